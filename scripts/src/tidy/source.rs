//! Rules for source files: sizes, names, layout, unfinished work.

use super::Finding;
use super::mask::{is_word, mask};

/// A file longer than this has more than one duty.
const FILE_LINES_MAX: usize = 800;
/// A function longer than this cannot be seen at once.
const FUNCTION_LINES_MAX: usize = 70;
/// Two files side by side on one screen.
const COLUMNS_MAX: usize = 100;
/// Names of places where things go that have no place.
const BANNED_MODULES: [&str; 7] =
    ["utils", "util", "common", "helpers", "helper", "misc", "primitives"];
/// Endings that say nothing about what a type keeps.
const BANNED_ENDINGS: [&str; 6] =
    ["Manager", "Helper", "Handler", "Service", "Processor", "Wrapper"];
/// Words that announce a type.
const TYPE_WORDS: [&str; 4] = ["struct", "enum", "trait", "union"];
/// Endings of the files that people write.
const SOURCES: [&str; 5] = ["rs", "sol", "js", "ts", "cairo"];

/// What breaks a rule in the file at `path`; files of other kinds pass.
pub(crate) fn check(path: &str, content: &str) -> Vec<Finding> {
    let extension = path.rsplit('.').next().unwrap_or_default();
    if !SOURCES.contains(&extension) {
        return Vec::new();
    }
    let mut findings = size(path, content);
    findings.extend(unfinished(path, content));
    findings.extend(path_names(path));
    if extension == "rs" {
        let code = mask(content);
        findings.extend(columns(path, content));
        findings.extend(functions(path, &code));
        findings.extend(names(path, &code));
    }
    findings
}

fn size(path: &str, content: &str) -> Vec<Finding> {
    let lines = content.lines().count();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    let what = format!("{lines} lines, at most {FILE_LINES_MAX}: split it by duty");
    vec![Finding::new(path, 0, what)]
}

fn columns(path: &str, content: &str) -> Vec<Finding> {
    numbered(content)
        .filter(|(_, line)| line.chars().count() > COLUMNS_MAX)
        .map(|(number, line)| {
            let columns = line.chars().count();
            Finding::new(path, number, format!("{columns} columns, at most {COLUMNS_MAX}"))
        })
        .collect()
}

/// Unfinished work belongs into an issue, not into the text.
fn unfinished(path: &str, content: &str) -> Vec<Finding> {
    // Put together here, so that this file does not find itself.
    let words = [
        ["todo", "!"].concat(),
        ["unimplemented", "!"].concat(),
        ["FIX", "ME"].concat(),
        ["TO", "DO"].concat(),
        ["XX", "X"].concat(),
    ];
    let mut findings = Vec::new();
    for (number, line) in numbered(content) {
        for word in &words {
            if holds_word(line, word) {
                findings.push(Finding::new(path, number, format!("{word}: unfinished work")));
            }
        }
    }
    findings
}

/// Whether `word` stands in `line` and is not part of a longer word.
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line.get(..start).unwrap_or_default();
        let after = line.get(start + word.len()..).unwrap_or_default();
        !before.chars().next_back().is_some_and(is_word)
            && !after.chars().next().is_some_and(is_word)
    })
}

fn path_names(path: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if path.ends_with("/mod.rs") {
        let what = "mod.rs: name the file after the module, beside its folder";
        findings.push(Finding::new(path, 0, what));
    }
    for part in path.split('/') {
        let stem = part.split('.').next().unwrap_or_default();
        if BANNED_MODULES.contains(&stem) {
            let what = format!("`{stem}` names no duty: move things to what owns their noun");
            findings.push(Finding::new(path, 0, what));
        }
    }
    findings
}

fn names(path: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in numbered(code) {
        let words: Vec<&str> =
            line.split(|char: char| !is_word(char)).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let [keyword, name] = pair else { continue };
            if *keyword == "mod" && BANNED_MODULES.contains(name) {
                let what = format!("`mod {name}` names no duty");
                findings.push(Finding::new(path, number, what));
            }
            if TYPE_WORDS.contains(keyword) && has_banned_ending(name) {
                let what = format!("`{name}`: name the noun that it keeps");
                findings.push(Finding::new(path, number, what));
            }
        }
    }
    findings
}

fn has_banned_ending(name: &str) -> bool {
    BANNED_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Functions longer than the limit, in masked code.
fn functions(path: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        let before = code.get(..start).unwrap_or_default();
        if before.chars().next_back().is_some_and(is_word) {
            continue;
        }
        let rest = code.get(start..).unwrap_or_default();
        let Some(length) = body_end(rest) else {
            continue;
        };
        let text = rest.get(..length).unwrap_or_default();
        let lines = text.lines().count();
        if lines > FUNCTION_LINES_MAX {
            let name = function_name(rest);
            let what = format!("`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}");
            findings.push(Finding::new(path, before.lines().count().max(1), what));
        }
    }
    findings
}

fn function_name(rest: &str) -> String {
    let after = rest.trim_start_matches("fn").trim_start();
    after.chars().take_while(|&char| is_word(char)).collect()
}

/// How many bytes the function at the start of `code` takes; `None` if it has no body.
fn body_end(code: &str) -> Option<usize> {
    let mut brackets = 0_i32;
    let mut braces = 0_i32;
    for (at, char) in code.char_indices() {
        match char {
            '(' | '[' if braces == 0 => brackets += 1,
            ')' | ']' if braces == 0 => brackets -= 1,
            // A declaration, or the end of something that was no function.
            ';' if braces == 0 && brackets == 0 => return None,
            '{' if brackets == 0 => braces += 1,
            '}' if brackets == 0 => {
                braces -= 1;
                match braces {
                    0 => return Some(at + 1),
                    ..0 => return None,
                    _ => {}
                }
            }
            _ => {}
        }
        if brackets < 0 {
            return None; // A function type inside something else.
        }
    }
    None
}

/// Lines with their numbers from 1.
pub(super) fn numbered(content: &str) -> impl Iterator<Item = (usize, &str)> {
    content.lines().enumerate().map(|(at, line)| (at + 1, line))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn sizes_have_limits() {
        finds("a.rs", &"\n".repeat(800), None);
        finds("a.rs", &"\n".repeat(801), Some("801 lines"));
        finds("a.sol", &"\n".repeat(801), Some("801 lines"));
        finds("a.json", &"\n".repeat(801), None);
        finds("a.rs", &"x".repeat(100), None);
        finds("a.rs", &"ü".repeat(101), Some("101 columns"));
    }

    #[test]
    fn long_functions_are_found_by_name() {
        let function = |lines: usize| format!("fn long() {{\n{}}}\n", "    x();\n".repeat(lines));
        finds("a.rs", &function(68), None);
        finds("a.rs", &function(69), Some("`long` has 71 lines"));
        let braces_in_text = format!("fn f() {{ \"{{\" }}\n{}", "x();\n".repeat(80));
        finds("a.rs", &braces_in_text, None);
        let array = "fn f(x: [u8; 4]) -> [u8; 4];\n".to_owned() + &"x\n".repeat(80);
        finds("a.rs", &array, None);
        let pointer = "struct A { f: fn (u8) }\n".to_owned() + &"x\n".repeat(80);
        finds("a.rs", &pointer, None);
    }

    #[test]
    fn empty_names_are_found() {
        finds("src/utils.rs", "", Some("`utils`"));
        finds("src/common/a.rs", "", Some("`common`"));
        finds("src/a/mod.rs", "", Some("mod.rs"));
        finds("src/model.rs", "", None);
        finds("a.rs", "mod helpers;", Some("`mod helpers`"));
        finds("a.rs", "// mod helpers;", None);
        finds("a.rs", "pub struct PeerManager;", Some("`PeerManager`"));
        finds("a.rs", "trait HandlerOf {}", None);
        finds("a.rs", "impl X { type ConnectionHandler = Y; }", None);
    }

    #[test]
    fn unfinished_work_is_found() {
        finds("a.rs", &["// FIX", "ME: later"].concat(), Some("unfinished"));
        finds("a.rs", &["to", "do!()"].concat(), Some("unfinished"));
        finds("a.rs", "let todos = 3;", None);
    }

    #[track_caller]
    fn finds(path: &str, content: &str, expected: Option<&str>) {
        let found = check(path, content);
        match expected {
            None => assert_eq!(found, [], "{path}"),
            Some(text) => {
                assert!(found.iter().any(|one| one.what.contains(text)), "{found:?}");
            }
        }
    }
}
