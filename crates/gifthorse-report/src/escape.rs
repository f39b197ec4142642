//! Strings that come from a model, a file name or an image folder, made safe to look at.
//!
//! Such a string could move the cursor of a terminal, reverse the reading direction, hide in zero
//! width or fill the screen. [`Shown`] is the one way in which this crate shows them; HTML is
//! escaped on top of it by `maud`.

use std::fmt::{self, Display, Write};

use maud::{Escaper, Render};

/// Longest untrusted string that is shown in full, in characters.
const LIMIT: usize = 400;

/// An untrusted string: shown with control and invisible characters written as `\u{...}`, and cut
/// at 400 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a>(pub &'a str);

impl Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (count, character) in self.0.chars().enumerate() {
            if count == LIMIT {
                text.push('…');
                break;
            }
            if is_deceptive(character) {
                write!(text, "{}", character.escape_unicode())?;
            } else {
                text.push(character);
            }
        }
        out.pad(&text)
    }
}

impl Render for Shown<'_> {
    fn render_to(&self, buffer: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(Escaper::new(buffer), "{self}");
    }
}

/// Whether a character can mislead instead of being seen: controls, line separators, direction
/// marks, zero width, tags, private use.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{10ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_direction_marks_are_written_out() {
        assert_eq!(Shown("a\u{1b}[2Jb\n").to_string(), "a\\u{1b}[2Jb\\u{a}");
        assert_eq!(
            Shown("gpj.\u{202e}exe\u{200b}").to_string(),
            "gpj.\\u{202e}exe\\u{200b}"
        );
        assert_eq!(
            Shown("Überholverbot 禁止").to_string(),
            "Überholverbot 禁止"
        );
    }

    #[test]
    fn html_is_escaped() {
        assert_eq!(
            Shown("<script>\"&\u{7}").render().into_string(),
            "&lt;script&gt;&quot;&amp;\\u{7}"
        );
    }

    #[test]
    fn long_strings_are_cut() {
        let shown = Shown(&"x".repeat(1_000_000)).to_string();
        assert_eq!(shown.chars().count(), LIMIT + 1);
        assert!(shown.ends_with('…'));
    }
}
