//! The part of a page that is made, between two comments that Markdown does not show.

/// A part of a page, made from `source`.
pub struct Block<'a> {
    /// What it is made from, for whoever reads the page's source.
    pub source: &'a str,
}

impl Block<'_> {
    /// The line before it.
    pub fn begin(&self) -> String {
        format!("<!-- made from {} -->", self.source)
    }

    /// The line after it.
    pub fn end(&self) -> &'static str {
        "<!-- up to here -->"
    }

    /// `page` with `text` in its block; `None` if it has none.
    pub fn filled(&self, page: &str, text: &str) -> Option<String> {
        let (before, rest) = page.split_once(&(self.begin() + "\n"))?;
        let (_, after) = rest.split_once(self.end())?;
        Some(format!(
            "{before}{}\n\n{}\n\n{}{after}",
            self.begin(),
            text.trim(),
            self.end()
        ))
    }
}

#[test]
fn only_what_is_between_the_marks_is_replaced() {
    let block = Block { source: "here" };
    let page = "# A\n\n<!-- made from here -->\nold\n<!-- up to here -->\n\nown words\n";
    let filled = block.filled(page, "new\n").unwrap();
    assert_eq!(
        filled,
        "# A\n\n<!-- made from here -->\n\nnew\n\n<!-- up to here -->\n\nown words\n"
    );
    assert_eq!(block.filled(&filled, "new").as_ref(), Some(&filled));
    assert_eq!(block.filled("# A\n\nown words\n", "new"), None);
    assert_eq!(block.filled("<!-- made from here -->\nold\n", "new"), None);
    assert_eq!(Block { source: "there" }.filled(page, "new"), None);
}
