use trocar_filter::NoiseSource;

/// A source with a standard deviation of sigma / 1.25, rounded down: for tests that must fail with so little noise. It lives
/// here so that no node can link it.
#[derive(Debug)]
pub struct WeakNoise<N>(N);

impl<N: NoiseSource> WeakNoise<N> {
    /// Takes the source that it weakens.
    #[must_use]
    pub const fn new(source: N) -> Self {
        Self(source)
    }
}

impl<N: NoiseSource> NoiseSource for WeakNoise<N> {
    fn draw(&mut self, sigma: u64) -> i128 {
        self.0.draw((sigma / 5).saturating_mul(4).saturating_add(sigma % 5 * 4 / 5))
    }
}
