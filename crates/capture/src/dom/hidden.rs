//! What the markup itself hides. Style sheets and scripts are not run, so "not hidden" means only: nothing here hides it.

/// Lengths that are off every screen, pixels: `left: -9999px` and its kin.
const OFF_SCREEN: f64 = -500.0;

/// Why an inline style hides its element, or nothing when it does not.
pub(crate) fn by_style(style: &str) -> Option<&'static str> {
    let mut size = [None, None];
    let mut clipped = false;
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let property = property.trim().to_ascii_lowercase();
        let value = value.trim().to_ascii_lowercase();
        let value = value.strip_suffix("!important").unwrap_or(&value).trim();
        match property.as_str() {
            "display" if value == "none" => return Some("display:none"),
            "visibility" if value == "hidden" || value == "collapse" => return Some("visibility:hidden"),
            "opacity" if number(value).is_some_and(|n| n <= 0.0) => return Some("opacity:0"),
            "left" | "top" | "right" | "bottom" | "margin-left" | "margin-top" | "text-indent" | "inset"
                if number(value).is_some_and(|n| n <= OFF_SCREEN) =>
            {
                return Some("moved off the screen");
            }
            "transform" if off_screen(value) => return Some("moved off the screen"),
            "transform" if value.replace(' ', "") == "scale(0)" => return Some("scaled to nothing"),
            "clip" if value.replace([' ', ','], "").starts_with("rect(0") => return Some("clipped away"),
            "clip-path" if value.replace(' ', "").starts_with("inset(50%") => return Some("clipped away"),
            "width" | "max-width" => size[0] = number(value),
            "height" | "max-height" => size[1] = number(value),
            "overflow" => clipped = value == "hidden",
            _ => {}
        }
    }
    let tiny = |length: Option<f64>| length.is_some_and(|n| (0.0..=1.0).contains(&n));
    (clipped && size.into_iter().any(tiny)).then_some("no larger than a pixel")
}

/// `translate(-9999px, 0)` and the like.
fn off_screen(value: &str) -> bool {
    value.starts_with("translate")
        && value.split(['(', ',', ')']).any(|part| number(part.trim()).is_some_and(|n| n <= OFF_SCREEN))
}

/// A length in pixels, as far as a page without a screen has one.
fn number(value: &str) -> Option<f64> {
    let end = value.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let pixels = match unit.trim() {
        "" | "px" => 1.0,
        // Nearly always 16 pixels; a percentage, vw and vh are at least as large on a screen of 1600.
        "em" | "rem" | "vw" | "vh" | "%" => 16.0,
        "pt" => 4.0 / 3.0,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|n| n * pixels)
}

#[cfg(test)]
mod tests {
    use super::by_style;
    use proptest::prelude::*;

    #[test]
    fn what_is_seen_and_what_is_not() {
        for hidden in [
            "display:none",
            "color: red; DISPLAY : NONE !important",
            "visibility:hidden",
            "opacity: 0",
            "position:absolute;left:-9999px",
            "position: absolute; top: -5000px; left: 0",
            "text-indent:-100em",
            "transform: translateX(-10000px)",
            "width:1px;height:1px;overflow:hidden",
            "max-height:0;overflow:hidden",
            "clip: rect(0, 0, 0, 0)",
        ] {
            assert!(by_style(hidden).is_some(), "{hidden}");
        }
        for seen in [
            "",
            "display:block",
            "left:-10px",
            "opacity:0.5",
            "width:1px",
            "overflow:hidden;width:100px",
            "display",
            ":none",
            "background:url(display:none)",
        ] {
            assert_eq!(by_style(seen), None, "{seen}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_style(style: String) {
            by_style(&style);
        }

        #[test]
        fn what_stands_around_it_hides_nothing_of_it(
            before in "[a-z]{1,8}:[a-z0-9 ]{0,8}",
            after in "[a-z]{1,8}:[a-z0-9 ]{0,8}",
        ) {
            let style = format!("{before};display:none;{after}");
            prop_assert!(by_style(&style).is_some());
        }
    }
}
