//! Pieces that every section uses.

use maud::{Markup, html};

/// A heading of level 1 to 6, with an anchor if `id` is given.
pub fn heading(level: u8, id: Option<&str>, text: Markup) -> Markup {
    match level {
        1 => html! { h1 id=[id] { (text) } },
        2 => html! { h2 id=[id] { (text) } },
        3 => html! { h3 id=[id] { (text) } },
        4 => html! { h4 id=[id] { (text) } },
        5 => html! { h5 id=[id] { (text) } },
        _ => html! { h6 id=[id] { (text) } },
    }
}

/// Names with their values.
pub fn facts(rows: &[(impl AsRef<str>, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in rows {
                div { dt { (name.as_ref()) } dd { (value) } }
            }
        }
    }
}

/// A table that scrolls sideways by itself where the screen is narrow. The first cell of each row
/// is its header; columns in `numeric` are set flush right.
pub fn table(
    caption: &str,
    columns: &[impl AsRef<str>],
    numeric: &[usize],
    rows: Vec<Vec<Markup>>,
) -> Markup {
    let class = |column: &usize| numeric.contains(column).then_some("number");
    html! {
        div.wide role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for (index, column) in columns.iter().enumerate() {
                            th scope="col" class=[class(&index)] { (column.as_ref()) }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in row.into_iter().enumerate() {
                                @if index == 0 {
                                    th scope="row" class=[class(&index)] { (cell) }
                                } @else {
                                    td class=[class(&index)] { (cell) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A short text set apart, such as a state or a verdict.
pub fn tag(kind: &str, text: &str) -> Markup {
    html! { span.tag.(kind) { (text) } }
}

/// `yes` or `no`.
pub fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
