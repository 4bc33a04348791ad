//! Blanks out comments, strings and characters in Rust sources, so that a scan sees only code.

/// `source` with every comment, string and character literal replaced by spaces.
///
/// Line breaks stay, so line numbers stay. Malformed input gives some text, never a panic.
pub(crate) fn mask(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut masked = String::with_capacity(source.len());
    let mut at = 0;
    // Terminates: each turn moves on by at least one character.
    while let Some(&char) = chars.get(at) {
        let end = literal_end(&chars, at).unwrap_or(at);
        if end > at {
            let hidden = chars.get(at..end.min(chars.len())).unwrap_or_default();
            masked.extend(hidden.iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            masked.push(char);
            at += 1;
        }
    }
    masked
}

/// Where the comment or literal that starts at `at` ends; `None` if none starts there.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let here = *chars.get(at)?;
    let next = chars.get(at + 1).copied();
    match (here, next) {
        ('/', Some('/')) => Some(find(chars, at, |c| c == '\n')),
        ('/', Some('*')) => Some(block_comment_end(chars, at)),
        ('"', _) => Some(string_end(chars, at)),
        ('r', Some('"' | '#')) if starts_word(chars, at) => raw_string_end(chars, at),
        ('\'', _) => char_end(chars, at),
        _ => None,
    }
}

/// The first position from `at` on whose character `fits`, or the end.
fn find(chars: &[char], at: usize, fits: impl Fn(char) -> bool) -> usize {
    let rest = chars.get(at..).unwrap_or_default();
    let offset = rest.iter().position(|&char| fits(char));
    at + offset.unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        match (chars.get(at), chars.get(at + 1)) {
            (Some('/'), Some('*')) => {
                depth += 1;
                at += 2;
            }
            (Some('*'), Some('/')) => {
                depth = depth.saturating_sub(1);
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(char) = chars.get(at) {
        match char {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `None` for a raw identifier such as `r#type`.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let quote = find(chars, start + 1, |char| char != '#');
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let hashes = quote - start - 1;
    let mut at = quote + 1;
    loop {
        let close = find(chars, at, |char| char == '"');
        if close >= chars.len() {
            return Some(chars.len());
        }
        let after = find(chars, close + 1, |char| char != '#');
        if after - close > hashes {
            return Some(close + 1 + hashes);
        }
        at = close + 1;
    }
}

/// `None` for a lifetime.
fn char_end(chars: &[char], start: usize) -> Option<usize> {
    if chars.get(start + 1) == Some(&'\\') {
        return Some(find(chars, start + 3, |char| char == '\'') + 1);
    }
    (chars.get(start + 2) == Some(&'\'')).then_some(start + 3)
}

/// Whether no identifier runs into the character at `at`; `b` and `c` are prefixes of literals.
fn starts_word(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| chars.get(at));
    match before {
        Some('b' | 'c') => at < 2 || chars.get(at - 2).is_none_or(|char| !is_word(*char)),
        Some(char) => !is_word(*char),
        None => true,
    }
}

/// Whether `char` can stand in an identifier.
pub(crate) fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn comments_and_strings_disappear() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check(r#"f("x { \" y")"#, "f(          )");
        check("f(r\"{\")", "f(    )");
        check("f(r#\"\"{\"#)", "f(       )");
        check("f(br#\"{\"#)", "f(b      )");
    }

    #[test]
    fn lifetimes_and_raw_identifiers_stay() {
        check("fn f<'a>(r#type: &'a T)", "fn f<'a>(r#type: &'a T)");
        check("matches!(c, '{' | '\\'' | '\"')", "matches!(c,     |      |    )");
    }

    #[test]
    fn unfinished_input_ends() {
        for source in ["\"", "/*", "r#\"", "'\\", "r", "\"\\", "//", "'"] {
            assert!(mask(source).chars().count() <= source.chars().count());
        }
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(mask(source), expected, "{source}");
    }
}
