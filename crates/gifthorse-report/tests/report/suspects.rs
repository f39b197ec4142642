//! The images that a filter finds suspicious, on a page, whatever they are called.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::sample::sign;
use gifthorse_report::{
    evidence::Heated,
    html::{Suspect, SuspectsPage, render_suspects},
};

/// Nothing of it may reach the page as it is.
const HOSTILE: &str = "</figcaption><script>alert(1)</script>\u{202e}";

fn page<'a>(shown: &'a [Suspect<'a>], names: &'a [String]) -> SuspectsPage<'a> {
    SuspectsPage {
        method: "strip",
        sha256: "9f86",
        class_names: names,
        images: 40,
        flagged: 12,
        fpr: 0.05,
        chance: 0.000_012,
        more_than_expected: true,
        shown,
        warnings: &[],
    }
}

#[test]
fn suspicious_images_are_shown_with_what_their_answers_rest_on() {
    let heated = Heated {
        picture: sign(0),
        heat: sign(1),
        answer: 3,
    };
    let names = vec![HOSTILE.to_owned(); 4];
    let suspect = Suspect {
        name: HOSTILE,
        heated: &heated,
        p_value: 0.0123,
        flagged: true,
        safe_label: Some(9),
    };
    let shown = render_suspects(&page(&[suspect], &names));
    assert!(!shown.contains("<script") && !shown.contains('\u{202e}'));
    assert_eq!(shown.matches("data:image/png").count(), 2);
    for words in [
        "More images are flagged",
        "12 of 40",
        "1.2e-5",
        "p = 0.012",
        "(class 3)",
        "class 9",
    ] {
        assert!(shown.contains(words), "{words}");
    }
}

#[test]
fn without_images_the_numbers_are_told() {
    let clean = SuspectsPage {
        more_than_expected: false,
        chance: 0.4,
        flagged: 2,
        ..page(&[], &[])
    };
    let shown = render_suspects(&clean);
    assert!(!shown.contains("data:image/png"));
    for words in [
        "No more images are flagged",
        "chance of 0.400",
        "No images are shown",
    ] {
        assert!(shown.contains(words), "{words}");
    }
}
