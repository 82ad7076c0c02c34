//! No damage to a file may bring the program down.

use super::*;

/// Splitmix64: enough to choose places.
struct Chooser(u64);

impl Chooser {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// Loads, and renders what is refused; answers whether it was accepted.
fn survives(text: &str) -> bool {
    match load(text) {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!error.coloured().is_empty());
            assert!(error.problems().iter().all(|problem| problem.line >= 1 && problem.column >= 1));
            false
        }
    }
}

#[test]
fn truncated_models_are_refused_or_accepted() {
    let mut accepted = 0;
    for entry in catalog() {
        for end in (0..entry.text.len()).filter(|end| entry.text.is_char_boundary(*end)).step_by(5) {
            accepted += usize::from(survives(&entry.text[..end]));
        }
    }
    assert!(accepted > 0, "cuts in the trailing sections leave a valid file");
}

#[test]
fn flipped_bytes_are_refused_or_accepted() {
    let mut chooser = Chooser(1);
    let texts: Vec<&str> = catalog().iter().map(|entry| entry.text).chain([SOUND]).collect();
    for round in 0..1500 {
        let mut bytes = texts[round % texts.len()].as_bytes().to_vec();
        for _ in 0..=chooser.below(3) {
            let at = chooser.below(bytes.len());
            bytes[at] = chooser.below(256) as u8;
        }
        survives(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn moved_and_doubled_lines_are_refused_or_accepted() {
    let mut chooser = Chooser(2);
    for round in 0..800 {
        let entries = catalog();
        let mut lines: Vec<&str> = entries[round % entries.len()].text.lines().collect();
        let (from, to) = (chooser.below(lines.len()), chooser.below(lines.len()));
        let line = lines[from];
        if chooser.below(2) == 0 {
            lines.remove(from);
        }
        lines.insert(to.min(lines.len()), line);
        survives(&lines.join("\n"));
    }
}

#[test]
fn every_value_may_be_replaced_by_any_other() {
    const VALUES: &[&str] = &[
        "0",
        "-1",
        "9223372036854775807",
        "1e308",
        "-1e-320",
        "nan",
        "inf",
        "true",
        "''",
        "'x'",
        "'t'",
        "'1/0'",
        "'\\u0000'",
        "[]",
        "[[]]",
        "[1]",
        "[[0, 1], [0, 2], [0, 3]]",
        "{}",
        "{ x = 1 }",
        "{ table = [] }",
        "{ steps = [[0, 1], [1e300, 2]] }",
        "1979-05-27",
        "\"\"\"\n\nk\"\"\"",
        "'é'",
        "\"\\u00e9 + q\"",
        "{ periodic = [0, 1] }",
        "{ walls = ['-k', 1] }",
    ];
    let lines: Vec<&str> = SOUND.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let Some((key, _)) = line.split_once('=') else { continue };
        for value in VALUES {
            let mut damaged = lines.clone();
            let replaced = format!("{key}= {value}");
            damaged[index] = &replaced;
            survives(&damaged.join("\n"));
        }
    }
}

#[test]
fn hostile_texts_are_refused() {
    let deep_key = format!("{}a = 1", "a.".repeat(20_000));
    let deep_header = format!("[{}a]", "a.".repeat(20_000));
    let deep_list = format!("a = {}", "[".repeat(20_000));
    let deep_formula = changed("\"v*t\"", &format!("\"{}\"", "(".repeat(20_000)));
    let long_line = changed("friction", &"f".repeat(20_000));
    for text in [&deep_key, &deep_header, &deep_list, &deep_formula, &long_line, "\u{feff}", "\0", "[", "a", "=", "\r\r\n", "[[model]]", "[model]\n[model]"] {
        assert!(!survives(text), "{}", &text[..text.len().min(40)]);
    }
}

#[test]
fn hostile_overrides_are_refused_or_accepted() {
    let keys = [
        "",
        " ",
        ".",
        "k.",
        "model",
        "model.",
        "model.friction",
        "a.b.c",
        "model.friction.x",
        "\"",
        "é",
        "exact.work",
        "protocol",
        "parameters",
        "title",
        "measure.grid.x",
        "k",
        "initial.at",
    ];
    let values = ["", " ", "{", "[", "nan", "'", "\"", "1e400", "{}", "[1,", "é", "\u{1b}[31m", "a\nb", "x = 1", "{ x = { periodic = [0, 1] } }"];
    for key in keys {
        for value in values {
            if let Err(error) = load_with(SOUND, &[(key, value)]) {
                assert!(error.problems().iter().all(|problem| problem.line >= 1), "{error}");
                assert!(!error.to_string().is_empty() && !error.coloured().is_empty());
            }
        }
    }
}
