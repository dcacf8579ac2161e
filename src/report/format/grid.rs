//! Columns without frames, for lists that people read and `grep` understands.
//!
//! Colour is given to cells, never written into their text, so that it takes no room in a column.

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

use super::{Style, TableOptions};

/// An empty grid with its headings; it wraps only where the width of a terminal is known.
pub(in crate::report) fn grid(heads: &[&str], options: TableOptions) -> Table {
    let mut grid = Table::new();
    grid.load_style(presets::NOTHING);
    match options.style {
        Style::Plain => grid.force_no_tty(),
        Style::Coloured => grid.enforce_styling(),
    };
    grid.style_text_only();
    match options.width.filter(|&width| width > 0) {
        Some(width) => grid.set_width(width).set_content_arrangement(ContentArrangement::Dynamic),
        None => grid.set_content_arrangement(ContentArrangement::Disabled),
    };
    grid.set_header(heads.iter().map(|head| Cell::new(head).add_attribute(Attribute::Bold)));
    grid
}

/// A cell in a colour, which shows only where colour was asked for.
pub(super) fn coloured(text: &str, colour: Color) -> Cell {
    Cell::new(text).fg(colour)
}

/// The grid as text: no margin on the left, no spaces at the ends of lines.
pub(in crate::report) fn trimmed(grid: &Table) -> String {
    let lines: Vec<String> =
        grid.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(options: TableOptions) -> String {
        let mut grid = grid(&["A", "B"], options);
        grid.add_row([Cell::new("x"), coloured("no reply", Color::Red)]);
        grid.add_row([Cell::new("longer"), Cell::new("y")]);
        trimmed(&grid)
    }

    #[test]
    fn columns_stay_in_line_and_colour_takes_no_room() {
        let plain = "A       B\nx       no reply\nlonger  y";
        assert_eq!(rows(TableOptions::default()), plain);
        let coloured = rows(TableOptions { style: Style::Coloured, ..TableOptions::default() });
        assert!(coloured.contains('\u{1b}'));
        let mut without = String::new();
        let mut inside = false;
        for c in coloured.chars() {
            match (c, inside) {
                ('\u{1b}', _) => inside = true,
                ('m', true) => inside = false,
                (_, true) => {}
                (c, false) => without.push(c),
            }
        }
        assert_eq!(without, plain);
    }

    #[test]
    fn a_wrapped_cell_stays_in_its_column() {
        let mut grid = grid(&["A", "B"], TableOptions { width: Some(16), ..TableOptions::default() });
        grid.add_row(["name", "some words that wrap"]);
        let text = trimmed(&grid);
        assert!(text.lines().count() > 2);
        assert!(text.lines().skip(2).all(|line| line.starts_with("      ")), "{text}");
    }
}
