//! What may be shown as a name: text that a person can see, in the order in which it was typed.

use crate::Rule;

/// Checks free text of `min` to `max` characters. Nothing is trimmed or replaced: what does not fit is refused.
pub(crate) fn check(text: &str, min: usize, max: usize) -> Result<(), Rule> {
    let length = text.chars().count();
    if length > max {
        return Err(Rule::new("too_long", format!("has {length} characters; at most {max} are allowed")));
    }
    if text.chars().any(is_control) {
        return Err(Rule::new("control_character", "contains a control character"));
    }
    if text.trim() != text {
        return Err(Rule::new("surrounding_space", "starts or ends with a space"));
    }
    if text.chars().filter(|c| !is_invisible(*c)).count() < min {
        return Err(Rule::new("too_short", format!("needs at least {min} visible characters")));
    }
    Ok(())
}

/// Control characters, line separators, and the bidirectional controls, with which a name can read as another
/// (Unicode TR36, section 2.10).
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}')
}

/// Characters without a glyph. They are needed inside some scripts, but a name cannot consist of them.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2065}' | '\u{2800}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<&'static str> {
        check(text, 2, 10).err().map(|rule| rule.code)
    }

    #[test]
    fn names_of_the_world_pass() {
        for text in ["Demo ISP", "O'Hara", "東京", "ÅÄ", "می\u{200C}خواهم", "👩\u{200D}👩\u{200D}👧 x"]
        {
            assert_eq!(code(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        assert_eq!(code("a\nb"), Some("control_character"));
        assert_eq!(code("a\u{0}b"), Some("control_character"));
        assert_eq!(code("abc\u{202E}fdp"), Some("control_character"));
        assert_eq!(code("ab\u{2067}c"), Some("control_character"));
        assert_eq!(code(" ab"), Some("surrounding_space"));
        assert_eq!(code("ab\u{A0}"), Some("surrounding_space"));
        assert_eq!(code("\u{200B}\u{200B}\u{200B}"), Some("too_short"));
        assert_eq!(code("a\u{FEFF}"), Some("too_short"));
        assert_eq!(code("a"), Some("too_short"));
        assert_eq!(code(""), Some("too_short"));
        assert_eq!(code("12345678901"), Some("too_long"));
    }
}
