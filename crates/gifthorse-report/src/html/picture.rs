//! Pictures inside the page, as data.

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{Markup, html};

use crate::evidence::Picture;

/// A picture with the text that stands for it where it cannot be seen.
///
/// `class` gives the displayed size; small pictures are enlarged with their pixels kept sharp.
pub fn image(picture: &Picture, alt: &Markup, class: &str) -> Markup {
    let [_, height, width] = picture.shape();
    match picture.to_png() {
        Ok(png) => html! {
            img.(class) width=(width) height=(height) alt=(alt.0)
                src={ "data:image/png;base64," (STANDARD.encode(png)) };
        },
        Err(_) => html! { span.(class) { "picture too large to show: " (alt) } },
    }
}

/// A picture with a caption below it.
pub fn figure(picture: &Picture, alt: &Markup, class: &str, caption: Markup) -> Markup {
    html! {
        figure {
            (image(picture, alt, class))
            figcaption { (caption) }
        }
    }
}
