use trocar_filter::NoiseSource;

/// A noise source that adds nothing: for an author's rehearsal. It lives here so that no node can link it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoNoise;

impl NoiseSource for NoNoise {
    fn draw(&mut self, _sigma: u64) -> i128 {
        0
    }
}
