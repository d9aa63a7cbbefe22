//! Which comments of a file cite a step of §5.4.4, and where they stand.

use std::collections::BTreeSet;

/// A comment that cites steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Citation {
    /// The line of the file, counted from 1, on which the first step is cited.
    pub(super) line: usize,
    /// A line of the code it is about: the next one, the one it ends, or its own for the documentation of an item.
    pub(super) code: usize,
    /// The steps, as `5.4.4.3 step 2.2`.
    pub(super) steps: BTreeSet<String>,
}

/// Every comment of `source` that cites a step of §5.4.4.
pub(super) fn citations(source: &str) -> Vec<Citation> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let length = lines.iter().skip(at).take_while(|next| is_same_comment(line, next)).count().max(1);
        let block: Vec<&str> = lines.iter().skip(at).take(length).map(|line| comment(line)).collect();
        let steps = steps(&block.join(" "));
        if !steps.is_empty() {
            let first = block.iter().position(|line| line.contains("step") || line.contains("Step")).unwrap_or(0);
            found.push(Citation { line: at + first + 1, code: code_line(&lines, at, length), steps });
        }
        at += length;
    }
    found
}

/// Whether `line` and `next` are lines of one comment that stands by itself.
fn is_same_comment(line: &str, next: &str) -> bool {
    matches!((marker(line), marker(next)), (Some(one), Some(other)) if one == other)
}

/// How a line begins that is nothing but a comment.
fn marker(line: &str) -> Option<&'static str> {
    ["///", "//!", "//"].into_iter().find(|marker| line.trim_start().starts_with(marker))
}

/// What the comment on this line says; nothing if there is none.
fn comment(line: &str) -> &str {
    match marker(line) {
        Some(marker) => line.trim_start().get(marker.len()..).unwrap_or_default(),
        // Half a string before the slashes means that they stand in it.
        None => match line.split_once(" // ") {
            Some((code, comment)) if code.matches('"').count() % 2 == 0 => comment,
            _ => "",
        },
    }
}

/// The line of the code that a comment of `length` lines at `at` is about, counted from 1.
fn code_line(lines: &[&str], at: usize, length: usize) -> usize {
    match lines.get(at).and_then(|line| marker(line)) {
        None => at + 1,
        Some("//") => {
            let is_code = |line: &&str| marker(line) != Some("//") && !line.trim().is_empty();
            let skipped = lines.iter().skip(at + length).position(is_code).unwrap_or(0);
            at + length + skipped + 1
        }
        Some(_) => at + length,
    }
}

/// The steps of §5.4.4 that a text cites: `§5.4.4.5 steps 5 and 6`, `step 1 of §5.4.4.4 to §5.4.4.6`.
fn steps(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut sections = Vec::new();
    let mut cited = BTreeSet::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if word.contains('§') {
            let (named, length) = sections_at(&words, at - 1);
            (sections, at) = (named, at - 1 + length);
        } else if matches!(bare(word), "step" | "steps" | "Step" | "Steps") {
            let (numbers, length) = numbers_at(&words, at);
            at += length;
            if words.get(at) == Some(&"of") && words.get(at + 1).is_some_and(|next| next.contains('§')) {
                sections = sections_at(&words, at + 1).0;
            }
            for section in &sections {
                cited.extend(numbers.iter().map(|number| format!("{section} step {number}")));
            }
        }
    }
    cited
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '§')
}

/// The parts of §5.4.4 named at `at` (`§5.4.4.3`, or `§5.4.4.4 to §5.4.4.6`), and how many words that took.
fn sections_at(words: &[&str], at: usize) -> (Vec<String>, usize) {
    let section = |at: usize| bare(words.get(at)?).strip_prefix("§5.4.4.")?.parse::<u32>().ok();
    let Some(first) = section(at) else { return (Vec::new(), 1) };
    let (last, length) = match (words.get(at + 1), section(at + 2)) {
        (Some(&"to"), Some(last)) => (last, 3),
        _ => (first, 1),
    };
    ((first..=last).map(|part| format!("5.4.4.{part}")).collect(), length)
}

/// The numbers at `at` (`1`, `2.2 and 2.4`, `2 to 5, or 6 to 9,`), and how many words that took.
fn numbers_at(words: &[&str], at: usize) -> (Vec<String>, usize) {
    let mut numbers: Vec<String> = Vec::new();
    let mut taken = 0;
    let mut is_range = false;
    for (index, word) in words.iter().skip(at).enumerate() {
        match bare(word) {
            "and" | "or" => {}
            "to" => is_range = true,
            number if is_number(number) => {
                let first = numbers.last().filter(|_| is_range).and_then(|first| first.parse::<u32>().ok());
                match (first, number.parse::<u32>()) {
                    (Some(first), Ok(last)) => numbers.extend((first + 1..=last).map(|step| step.to_string())),
                    _ => numbers.push(number.to_owned()),
                }
                (is_range, taken) = (false, index + 1);
                if word.ends_with([';', ':', '.', ')']) {
                    break;
                }
            }
            _ => break,
        }
    }
    (numbers, taken)
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cited(text: &str) -> Vec<String> {
        steps(text).into_iter().collect()
    }

    #[test]
    fn steps_are_read_however_they_are_cited() {
        assert_eq!(cited("§5.4.4.3 step 2.2: at most X bytes."), ["5.4.4.3 step 2.2"]);
        assert_eq!(cited("(§5.4.4.2 steps 4 and 8)"), ["5.4.4.2 step 4", "5.4.4.2 step 8"]);
        let three = ["5.4.4.5 step 1", "5.4.4.5 step 2", "5.4.4.5 step 3"];
        assert_eq!(cited("§5.4.4.5 step 1, the digests of step 2, step 3."), three);
        assert_eq!(cited("Step 7 of §5.4.4.5."), ["5.4.4.5 step 7"]);
        let two = ["5.4.4.3 step 2.2", "5.4.4.4 step 1", "5.4.4.5 step 1"];
        assert_eq!(cited("(step 1 of §5.4.4.4 to §5.4.4.5, step 2.2 of §5.4.4.3)"), two);
        let four = ["5.4.4.2 step 2", "5.4.4.2 step 3", "5.4.4.2 step 6", "5.4.4.2 step 7"];
        assert_eq!(cited("steps 2 to 3, or 6 to 7, of §5.4.4.2, without I/O"), four);
    }

    #[test]
    fn other_sections_and_other_words_cite_nothing() {
        assert!(cited("§5.4.3.4 step 2: the image is for this hardware").is_empty());
        assert!(cited("judges new files step by step (§5.4.4)").is_empty());
        assert!(cited("§5.4.4.3 (trap T6)").is_empty());
    }

    #[test]
    fn a_comment_is_about_the_code_below_it_or_before_it() {
        let source =
            "fn f() {\n    // §5.4.4.4 step 2,\n    // as ever.\n\n    check();\n    other(); // §5.4.4.4 step 3\n}\n";
        let found: Vec<_> = citations(source).into_iter().map(|found| (found.line, found.code)).collect();
        assert_eq!(found, [(2, 5), (6, 6)]);
        let source = "/// One.\n/// §5.4.4.4 step 2.\nfn f() {}\n";
        assert_eq!(citations(source).first().map(|found| (found.line, found.code)), Some((2, 2)));
        assert!(citations("const A: &str = \" // §5.4.4.4 step 3\";\n").is_empty());
    }
}
