//! Names: which are allowed, and which was probably meant.

use crate::expression::is_reserved;

/// Whether formulas can read a name: a letter or `_`, then letters, digits and `_`.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether formulas already mean something by a name: a function, a constant, time or the step.
pub(super) fn is_taken(name: &str) -> bool {
    matches!(name, "t" | "dt" | "pi" | "e") || is_reserved(name)
}

/// The most similar candidate, if any is similar enough to have been meant.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    ranked(name, candidates).into_iter().next()
}

/// The candidates that may have been meant, the most similar first.
pub(super) fn ranked<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let folded = name.to_lowercase();
    let similar = |candidate: &'a str| {
        let distance = strsim::damerau_levenshtein(&folded, &candidate.to_lowercase());
        let allowed = (candidate.chars().count().max(folded.chars().count()) / 3).max(1);
        (distance <= allowed && distance < candidate.chars().count()).then_some((distance, candidate))
    };
    let mut found: Vec<(usize, &str)> = candidates.into_iter().filter_map(similar).collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `` `a`, `b` or `c` ``.
pub(super) fn either<S: AsRef<str>>(names: &[S]) -> String {
    listed(names, "or")
}

/// `` `a`, `b` and `c` ``.
pub(super) fn all<S: AsRef<str>>(names: &[S]) -> String {
    listed(names, "and")
}

fn listed<S: AsRef<str>>(names: &[S], joint: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {joint} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_and_leaves_strangers() {
        let keys = ["trajectories", "dt", "seed", "precision", "integrator"];
        assert_eq!(nearest("trajectoires", keys), Some("trajectories"));
        assert_eq!(nearest("Seed", keys), Some("seed"));
        assert_eq!(nearest("temperature", keys), None);
        assert_eq!(nearest("k", keys), None);
        assert_eq!(nearest("q", ["k"]), None);
        assert_eq!(nearest("", keys), None);
    }

    #[test]
    fn identifiers_are_plain() {
        for good in ["k", "k0", "_x", "V_0"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "0k", "k-1", "γ", "a b", "a.b"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    #[test]
    fn lists_read_as_english() {
        assert_eq!(either(&["a"]), "`a`");
        assert_eq!(either(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(all(&["a", "b"]), "`a` and `b`");
        assert_eq!(either::<&str>(&[]), "");
    }
}
