//! Numbers of things in words.

/// `1 patient`, `2 patients`: for things whose plural takes an s.
#[must_use]
pub fn counted(n: impl TryInto<u64>, thing: &str) -> String {
    match n.try_into() {
        Ok(1) => format!("1 {thing}"),
        Ok(n) => format!("{n} {thing}s"),
        Err(_) => format!("more {thing}s than can be counted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!([0_usize, 1, 2].map(|n| counted(n, "dataset")), ["0 datasets", "1 dataset", "2 datasets"]);
    }
}
