//! The rows of a file: RFC 4180 with any of the delimiters in use, and back again.

use csv::{ByteRecord, ReaderBuilder};

use super::{MOST_CHARACTERS, MOST_COLUMNS, MOST_ROWS, Refusal};

const DELIMITERS: [u8; 4] = [b';', b',', b'\t', b'|'];
/// A row behind the file, swallowed by a quoted cell that does not end.
const END: &[u8] = b"\nend\n";
/// Lines that the delimiter is found by.
const SAMPLE: usize = 50;

/// A file of guests as text.
#[derive(Debug)]
pub struct Table {
    /// Names of the columns; `column 1` and so on where the file has none.
    pub header: Vec<String>,
    /// Rows in the order of the file.
    pub rows: Vec<Row>,
    /// What stands between cells.
    pub delimiter: char,
}

/// One row of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Line of the file that it begins in, from 1.
    pub line: usize,
    /// Cells as written.
    pub cells: Vec<String>,
    /// Why the row cannot be read.
    pub problem: Option<String>,
}

/// How a file is written, where it does not show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// What stands between cells; found where not given.
    pub delimiter: Option<u8>,
    /// Whether the first row names the columns; found where not given.
    pub header: Option<bool>,
}

/// Reads the text of a file.
pub fn read(text: &str, layout: Layout) -> Result<Table, Refusal> {
    let (text, first_line, told) = skip_excels_hint(text);
    let delimiter = layout.delimiter.or(told).unwrap_or_else(|| find_delimiter(text));
    let mut rows = read_rows(text, first_line, delimiter)?;
    let Some(first) = rows.first() else {
        return Err(Refusal::content("the file has no rows", "The first row names the columns."));
    };
    let columns = first.cells.len();
    if columns > MOST_COLUMNS {
        return Err(Refusal::content(
            format!("the file has {columns} columns; at most {MOST_COLUMNS} are read"),
            "Leave out what is no matter of guests.",
        ));
    }
    let header = if layout.header.unwrap_or_else(|| !first.cells.iter().any(|cell| is_datum(cell))) {
        rows.remove(0).cells.into_iter().map(|name| super::text::tidy(&name).unwrap_or_default()).collect()
    } else {
        (1..=columns).map(|column| format!("column {column}")).collect()
    };
    for row in &mut rows {
        row.problem = problem_of(row, columns);
    }
    if rows.is_empty() {
        return Err(Refusal::content("the file has a header and no rows", "Each row behind it is a guest."));
    }
    Ok(Table { header, rows, delimiter: char::from(delimiter) })
}

fn problem_of(row: &mut Row, columns: usize) -> Option<String> {
    // Spreadsheets write empty cells behind the last, or leave them out.
    while row.cells.len() > columns && row.cells.last().is_some_and(String::is_empty) {
        row.cells.pop();
    }
    if row.cells.len() != columns {
        return Some(format!("{} cells, where the file has {columns} columns", row.cells.len()));
    }
    let long = row
        .cells
        .iter()
        .position(|cell| cell.len() > MOST_CHARACTERS && cell.chars().count() > MOST_CHARACTERS)?;
    Some(format!("cell {} has more than {MOST_CHARACTERS} characters", long + 1))
}

/// Excel takes, and writes, a first line that tells the delimiter.
fn skip_excels_hint(text: &str) -> (&str, usize, Option<u8>) {
    let line = text.split_inclusive('\n').next().unwrap_or_default();
    match line.trim_end().strip_prefix("sep=").map(str::as_bytes) {
        Some(&[delimiter]) if DELIMITERS.contains(&delimiter) => (&text[line.len()..], 2, Some(delimiter)),
        _ => (text, 1, None),
    }
}

/// The delimiter that gives most rows the most cells, as many in each.
fn find_delimiter(text: &str) -> u8 {
    let sample = match text.match_indices('\n').nth(SAMPLE) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    let agreement = |delimiter: u8| {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(sample.as_bytes());
        let counts: Vec<usize> =
            reader.byte_records().map_while(Result::ok).map(|record| record.len()).collect();
        let columns = counts.first().copied().unwrap_or(0);
        if columns < 2 {
            0
        } else {
            counts.iter().filter(|count| **count == columns).count() * 1000 / counts.len() * 1000 + columns
        }
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| agreement(*delimiter));
    best.filter(|delimiter| agreement(*delimiter) > 0).unwrap_or(b',')
}

fn read_rows(text: &str, first_line: usize, delimiter: u8) -> Result<Vec<Row>, Refusal> {
    let bytes = text.as_bytes();
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(std::io::Read::chain(bytes, END));
    let mut rows = Vec::new();
    let mut record = ByteRecord::new();
    let (mut counted_to, mut line) = (0, first_line);
    let mut ended = false;
    // Reading from memory does not fail, and records of any length are taken.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let mut start = record.position().map_or(0, |position| position.byte() as usize);
        // The reader counts the line breaks before a record to it.
        while matches!(bytes.get(start), Some(b'\n' | b'\r')) {
            start += 1;
        }
        if start >= bytes.len() {
            // Behind the file, and no part of a cell that began in it.
            ended = true;
            break;
        }
        line += line_breaks(&bytes[counted_to..start]);
        counted_to = start;
        if record.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace)) {
            continue;
        }
        if rows.len() > MOST_ROWS {
            return Err(Refusal::content(format!("the file has more than {MOST_ROWS} rows"), "Split it."));
        }
        let cells = record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
        rows.push(Row { line, cells, problem: None });
    }
    if !ended {
        return Err(Refusal::content(
            format!("the file ends inside a quoted cell of the row that begins in line {line}"),
            "It was cut off, or a quotation mark is not closed; one inside a quoted cell is written twice.",
        ));
    }
    Ok(rows)
}

/// Line breaks of Windows, Unix and old Macs.
fn line_breaks(bytes: &[u8]) -> usize {
    let lone_returns = bytes.windows(2).filter(|pair| pair[0] == b'\r' && pair[1] != b'\n').count()
        + usize::from(bytes.last() == Some(&b'\r'));
    bytes.iter().filter(|byte| **byte == b'\n').count() + lone_returns
}

/// Whether a cell is a value, not the name of a column.
fn is_datum(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    super::field::looks_like_email(cell.trim())
        || digits >= 5
        || (digits > 0 && super::day::Written::of(cell.trim()).is_some())
}

/// A line of RFC 4180 without its line break. A cell that a spreadsheet would compute gets an apostrophe in front, which
/// [`cell`] takes off again.
pub fn line(cells: &[Option<&str>]) -> String {
    let mut line = String::new();
    for (n, cell) in cells.iter().enumerate() {
        if n > 0 {
            line.push(',');
        }
        let cell = cell.unwrap_or_default();
        let guarded = cell.trim_start_matches('\'').starts_with(COMPUTED);
        if guarded || cell.contains([',', '"', '\r', '\n', ';', '\t']) {
            line.push('"');
            if guarded {
                line.push('\'');
            }
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line
}

/// What a spreadsheet computes a cell for that begins with it.
const COMPUTED: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell without the apostrophe that keeps spreadsheets from computing it.
pub fn cell(written: &str) -> &str {
    match written.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(COMPUTED) => rest,
        _ => written,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::import::text::decode;

    fn cells(table: &Table) -> Vec<(usize, Vec<&str>)> {
        table.rows.iter().map(|row| (row.line, row.cells.iter().map(String::as_str).collect())).collect()
    }

    #[test]
    fn rows_are_read_with_any_delimiter_and_line_break() {
        for delimiter in [",", ";", "\t", "|"] {
            for end in ["\n", "\r\n", "\r"] {
                let text = [
                    vec!["name", "phone"],
                    vec![&format!("\"Silva{delimiter} A\""), "+49 171"],
                    vec![],
                    vec![&format!("\"two{end}lines\""), "2"],
                    vec!["", ""],
                    vec!["Zoë", "3"],
                ]
                .map(|row| row.join(delimiter))
                .join(end);
                let table = read(&text, Layout::default()).expect("rows");
                assert_eq!(table.delimiter.to_string(), delimiter);
                assert_eq!(table.header, ["name", "phone"]);
                let expected = [
                    (2, vec![format!("Silva{delimiter} A"), "+49 171".into()]),
                    (4, vec![format!("two{end}lines"), "2".into()]),
                    (7, vec!["Zoë".into(), "3".into()]),
                ];
                let found: Vec<_> = table.rows.into_iter().map(|row| (row.line, row.cells)).collect();
                assert_eq!(found, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn ragged_rows_are_told_apart() {
        let table = read("name;phone\nAna;1;\nBen\nC;1;2\n;;;;\n  \n", Layout::default()).expect("rows");
        let problems: Vec<_> = table.rows.iter().map(|row| (row.line, row.problem.as_deref())).collect();
        assert_eq!(
            problems,
            [
                (2, None),
                (3, Some("1 cells, where the file has 2 columns")),
                (4, Some("3 cells, where the file has 2 columns"))
            ]
        );
        let long = format!("name,phone\n{},1\n", "é".repeat(MOST_CHARACTERS + 1));
        let table = read(&long, Layout::default()).expect("rows");
        assert!(table.rows[0].problem.as_deref().is_some_and(|problem| problem.contains("cell 1")));
    }

    #[test]
    fn a_file_without_names_of_columns_gets_some() {
        let table = read("Ana,ana@example.com\nBen,ben@example.com\n", Layout::default()).expect("rows");
        assert_eq!(
            (table.header.as_slice(), table.rows.len()),
            (["column 1".into(), "column 2".into()].as_slice(), 2)
        );
        assert_eq!(read("0171 2345678\n", Layout::default()).expect("rows").rows.len(), 1);
        let named = Layout { header: Some(true), ..Layout::default() };
        assert_eq!(read("5 years\n1\n", named).expect("rows").header, ["5 years"]);
    }

    #[test]
    fn excels_line_of_the_delimiter_is_no_row() {
        let table = read("sep=|\r\nname|phone\r\nA,B;C|1\r\n", Layout::default()).expect("rows");
        assert_eq!((table.delimiter, cells(&table)), ('|', vec![(3, vec!["A,B;C", "1"])]));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let refused = |text: &str| read(text, Layout::default()).expect_err("no table").message;
        assert_eq!(
            refused("name,phone\nAna,1\n\"Ben,2\nCleo,3\n"),
            "the file ends inside a quoted cell of the row that begins in line 3"
        );
        assert!(refused("").contains("no rows"));
        assert!(refused(" \n\n").contains("no rows"));
        assert!(refused("name,phone").contains("no rows"));
        assert!(refused(&vec!["a"; MOST_COLUMNS + 1].join(";")).contains("201 columns"));
    }

    #[test]
    fn no_cell_is_computed_by_a_spreadsheet() {
        // The beginnings OWASP names for CSV injection.
        for begin in ["=1+1", "+49", "-2", "@SUM(A1)", "\tx", "\rx"] {
            assert!(line(&[Some("a"), Some(begin)]).starts_with("a,\"'"), "{begin:?}");
        }
        assert_eq!(line(&[Some("a\"b"), None, Some("c,d"), Some("e")]), "\"a\"\"b\",,\"c,d\",e");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(text) = decode(&bytes, None) {
                let _ = read(&text, Layout::default());
            }
            if let Ok(text) = decode(&bytes, Some("windows-1252")) {
                let _ = read(&text, Layout::default());
            }
        }

        #[test]
        fn rows_of_any_marks_are_read_or_refused(text in "[a1\",;\t|\r\n= ]{0,120}") {
            if let Ok(table) = read(&text, Layout::default()) {
                let lines = table.rows.iter().map(|row| row.line).collect::<Vec<_>>();
                prop_assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "{lines:?}");
                for row in table.rows {
                    prop_assert_eq!(row.problem.is_none(), row.cells.len() == table.header.len());
                }
            }
        }

        #[test]
        fn what_is_written_is_read_again(rows in prop::collection::vec(prop::collection::vec("[^\u{0}]{0,12}", 3), 1..8)) {
            let mut text = "first,second,third\n".to_owned();
            for row in &rows {
                text += &line(&row.iter().map(|cell| Some(cell.as_str())).collect::<Vec<_>>());
                text += "\n";
            }
            let layout = Layout { delimiter: Some(b','), header: Some(true) };
            let expected: Vec<&Vec<String>> =
                rows.iter().filter(|row| row.iter().any(|cell| !cell.bytes().all(|byte| byte.is_ascii_whitespace()))).collect();
            match read(&text, layout) {
                Ok(table) => {
                    let found: Vec<Vec<String>> =
                        table.rows.iter().map(|row| row.cells.iter().map(|written| cell(written).to_owned()).collect()).collect();
                    prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
                }
                Err(_) => prop_assert!(expected.is_empty()),
            }
        }
    }
}
