//! Tables as one page that needs nothing else.

use switchback_harness::report::plain::html;

use crate::tables::Table;

/// Nothing is loaded and nothing runs; only the style in the page counts.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:.5rem 0}th,td{border:1px solid #888;padding:.2rem .6rem;text-align:left}\
thead{background:#eee}p{color:#444}";

/// The page.
#[must_use]
pub fn page(title: &str, tables: &[Table]) -> String {
    let title = html(title);
    let body: String = tables.iter().map(one).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

fn one(table: &Table) -> String {
    let cells = |kind: &str, cells: &mut dyn Iterator<Item = &str>| -> String {
        cells.map(|cell| format!("<{kind}>{}</{kind}>", html(cell))).collect()
    };
    let head = cells("th", &mut table.head.iter().copied());
    let row = |row: &Vec<String>| format!("<tr>{}</tr>\n", cells("td", &mut row.iter().map(String::as_str)));
    let rows: String = table.rows.iter().map(row).collect();
    format!(
        "<h2>{}</h2>\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n<p>{}</p>\n",
        html(table.title),
        html(&table.note)
    )
}
