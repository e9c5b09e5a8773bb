//! What must hold for any bytes at all. Each target panics where it does not.

use crm_core::contact::{is_region, name_similarity, name_words, phone_e164};
use crm_core::criteria::tree::Scope;
use crm_core::criteria::{Criteria, Problem, RowsAddedUp, Sql};
use crm_core::import::day::Order;
use crm_core::import::guest::Reading;
use crm_core::import::{day, field, guest, table, text};
use crm_core::key::key;

/// A target: its name, which is that of its folder of the corpus too, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] =
    &[("criteria", criteria), ("query_builder", query_builder), ("import", import), ("contact", contact)];

/// A document of criteria: refused with pointers, or read, compiled, described and written back.
pub fn criteria(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Criteria::parse(text) {
        Err(problems) => refused(&problems),
        Ok(read) => use_fully(&read),
    }
}

/// A rule group of react-querybuilder, the same way.
pub fn query_builder(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for scope in [Scope::Venue, Scope::Org] {
        match Criteria::from_query_builder(text, scope) {
            Err(problems) => refused(&problems),
            Ok(read) => use_fully(&read),
        }
    }
}

fn refused(problems: &[Problem]) {
    assert!(!problems.is_empty(), "a refusal says why");
    for problem in problems {
        assert!(problem.pointer.is_empty() || problem.pointer.starts_with('/'), "{problem:?}");
        assert!(!problem.message.is_empty(), "{problem:?}");
    }
}

fn use_fully(read: &Criteria) {
    let canonical = read.canonical();
    let again = Criteria::parse(&canonical).unwrap_or_else(|problems| panic!("{canonical}: {problems:?}"));
    assert_eq!(again.canonical(), canonical);
    assert_eq!(again.hash(), read.hash());
    statement(&read.predicate());
    if let Some(day) = read.next_change() {
        statement(&day);
    }
    let explanation = read.explain();
    statement(&explanation.verdicts());
    statement(&explanation.values());
    assert!(!read.sentence().is_empty());
    read.warnings();
    read.fields();
    read.groups();
    read.segments();
    if let Ok(group) = read.to_query_builder() {
        let back = Criteria::from_query_builder(&group, read.scope())
            .unwrap_or_else(|problems| panic!("{group}: {problems:?}"));
        // A condition alone comes back in a group of one.
        assert_eq!(back.sentence(), read.sentence(), "{group}");
    }
}

/// Whatever a document says is a parameter: the text is ours, one expression, and names each parameter there is.
fn statement(sql: &Sql) {
    for text in [sql.render(0), sql.render_added_up(7, &mut RowsAddedUp::default())] {
        assert!(
            text.is_ascii() && !text.contains("--") && !text.contains(';') && !text.contains("/*"),
            "{text}"
        );
        assert_eq!(text.matches('\'').count() % 2, 0, "{text}");
        let depth = text.chars().fold(0_i32, |depth, c| match c {
            '(' => depth + 1,
            ')' => {
                assert!(depth > 0, "{text}");
                depth - 1
            }
            _ => depth,
        });
        assert_eq!(depth, 0, "{text}");
    }
    let text = sql.render(0);
    for n in 1..=sql.params().len() {
        assert!(text.contains(&format!("${n}::")), "parameter {n} is not in {text}");
    }
    assert!(!text.contains(&format!("${}::", sql.params().len() + 1)), "{text}");
}

/// A file of guests: refused, or read row by row, and what is read may be written and read again.
pub fn import(input: &[u8]) {
    let encodings = [None, Some("windows-1252"), Some("utf-16le"), Some("shift_jis")];
    let (first, bytes) = input.split_first().map_or((0, input), |(first, rest)| (usize::from(*first), rest));
    let Ok(text) = text::decode(bytes, encodings[first % encodings.len()]) else { return };
    let layout = table::Layout { delimiter: None, header: [None, Some(true), Some(false)][first / 4 % 3] };
    let Ok(read) = table::read(&text, layout) else { return };
    let good: Vec<&[String]> =
        read.rows.iter().filter(|row| row.problem.is_none()).map(|row| row.cells.as_slice()).collect();
    let fields = field::guess(&read.header, good.iter().copied());
    assert_eq!(fields.len(), read.header.len());
    for order in [Order::DayFirst, Order::MonthFirst] {
        let how = Reading { fields: &fields, order, region: Some("FR"), today: (2026, 11, 22) };
        for cells in &good {
            guest_of(cells, &how);
        }
    }
    // Every cell under every field, as a mapping by hand may say.
    for cells in good.iter().take(3) {
        for cell in cells.iter().take(8) {
            day::birthday(cell, Order::DayFirst, (2026, 11, 22));
            let line = table::line(&[Some(cell.as_str()), None, Some("end")]);
            let back = table::read(&line, table::Layout { delimiter: Some(b','), header: Some(false) });
            if let Ok(back) = back
                && !cell.contains(['\r', '\n'])
                && !cell.is_empty()
            {
                assert_eq!(table::cell(&back.rows[0].cells[0]), cell, "{line:?}");
            }
        }
    }
}

fn guest_of(cells: &[String], how: &Reading<'_>) {
    let read = guest::read(cells, how);
    let object = read.as_object().expect("a row is read as an object");
    if let Some(phone) = object.get("phone_e164").and_then(|phone| phone.as_str()) {
        assert!(phone.starts_with('+') && phone[1..].bytes().all(|b| b.is_ascii_digit()), "{phone}");
    }
    // PostgreSQL takes any text but one with a zero byte.
    assert!(!read.to_string().contains("\\u0000"), "{read}");
}

/// A phone number, a name and an id.
pub fn contact(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (one, other) = text.split_once('\n').unwrap_or((&text, ""));
    is_region(one);
    for region in [None, Some("FR"), Some("US"), Some("BR"), Some("GB")] {
        if let Some(e164) = phone_e164(one, region) {
            // The longest that any country's plan allows: three digits of its code and seventeen more.
            assert!(e164.starts_with('+') && e164.len() <= 21, "{one:?}: {e164}");
            assert!(e164[1..].bytes().all(|byte| byte.is_ascii_digit()), "{one:?}: {e164}");
            assert_eq!(phone_e164(&e164, None).as_ref(), Some(&e164), "{one:?}");
        }
    }
    let words = name_words(one);
    for word in &words {
        assert!(
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
            "{word:?}"
        );
    }
    assert_eq!(name_words(&words.join(" ")), words, "{one:?}");
    let alike = name_similarity(one, other);
    assert!((0.0..=1.0).contains(&alike), "{one:?} {other:?}: {alike}");
    assert!((alike - name_similarity(other, one)).abs() < 1e-9, "{one:?} {other:?}");
    let id = key(one);
    assert_eq!(key(&id.to_string()), id, "a key is its own");
}
