//! Days of birth as people and spreadsheets write them.

/// Which of two numbers is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// 17/05/1990
    DayFirst,
    /// 05/17/1990
    MonthFirst,
}

/// A day as it is written, before it is known to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Year, month, day.
    Iso(u32, u32, u32),
    /// Month and day of any year.
    Annual(u32, u32),
    /// Two numbers, whose order a column tells, and the year, if any, with the number of its digits.
    Numbers(u32, u32, Option<(u32, usize)>),
    /// Day, month, year: dots are used with no other order.
    Dotted(u32, u32, Option<(u32, usize)>),
    /// Days of Excel's calendar of five digits: fewer are a year.
    Serial(u32),
}

impl Written {
    /// Reads a cell; none where it is no day in any notation.
    pub fn of(cell: &str) -> Option<Self> {
        let cell = cell.trim();
        if let Some(annual) = cell.strip_prefix("--") {
            return match numbers(annual, '-')?[..] {
                [(month, 2), (day, 2)] => Some(Self::Annual(month, day)),
                _ => None,
            };
        }
        let day = without_midnight(cell);
        let separator = day.chars().find(|c| !c.is_ascii_digit());
        match separator {
            None => {
                let serial = day.parse().ok()?;
                // 1927 to 2118; four digits are a year, and of eight nobody can tell the order.
                (day.len() == 5 && (10_000..80_000).contains(&serial)).then_some(Self::Serial(serial))
            }
            Some(separator @ ('-' | '/' | '.')) => {
                match (separator, &numbers(day.trim_end_matches('.'), separator)?[..]) {
                    (_, [(year, 4), (month, _), (day, _)]) => Some(Self::Iso(*year, *month, *day)),
                    ('.', [(day, _), (month, _), year @ (_, 2 | 4)]) => {
                        Some(Self::Dotted(*day, *month, Some(*year)))
                    }
                    ('.', [(day, 1 | 2), (month, 2)]) => Some(Self::Dotted(*day, *month, None)),
                    ('-' | '/', [(one, _), (two, _), year @ (_, 2 | 4)]) => {
                        Some(Self::Numbers(*one, *two, Some(*year)))
                    }
                    ('/', [(one, _), (two, _)]) => Some(Self::Numbers(*one, *two, None)),
                    _ => None,
                }
            }
            Some(_) => None,
        }
    }

    /// The order that this day alone can have been written in, where it tells.
    fn order(self) -> Option<Order> {
        match self {
            Self::Numbers(13..=31, 1..=12, _) => Some(Order::DayFirst),
            Self::Numbers(1..=12, 13..=31, _) => Some(Order::MonthFirst),
            _ => None,
        }
    }
}

/// Numbers of at most four digits, with how many digits each has.
fn numbers(text: &str, separator: char) -> Option<Vec<(u32, usize)>> {
    text.split(separator)
        .map(|part| {
            let part = part.trim();
            let plain = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse().map(|number| (number, part.len())).ok()).flatten()
        })
        .collect()
}

/// Spreadsheets write a day as an instant, or as a number with a fraction.
fn without_midnight(cell: &str) -> &str {
    let day = cell.split_once(['T', ' ']).and_then(|(day, time)| {
        let midnight = !time.is_empty() && time.bytes().all(|byte| matches!(byte, b'0' | b':' | b'.' | b'Z'));
        midnight.then_some(day)
    });
    day.or_else(|| cell.strip_suffix(".0")).unwrap_or(cell)
}

/// What a column of days tells of the order they are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    day_first: usize,
    month_first: usize,
    either: usize,
}

impl Evidence {
    /// Adds a cell of the column.
    pub fn add(&mut self, cell: &str) {
        if let Some(day @ Written::Numbers(one, two, _)) = Written::of(cell) {
            match day.order() {
                Some(Order::DayFirst) => self.day_first += 1,
                Some(Order::MonthFirst) => self.month_first += 1,
                None if one != two => self.either += 1,
                None => {}
            }
        }
    }

    /// The order that most days tell; none where no day does.
    pub fn order(self) -> Option<Order> {
        match self.day_first.cmp(&self.month_first) {
            std::cmp::Ordering::Greater => Some(Order::DayFirst),
            std::cmp::Ordering::Less => Some(Order::MonthFirst),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// Whether days could be meant either way, and nothing tells.
    pub fn is_ambiguous(self) -> bool {
        self.order().is_none() && self.either + self.day_first > 0
    }
}

/// A day of birth: with the year or, as ISO 8601:2000 writes a day of any year, without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birthday {
    /// Year, where known.
    pub year: Option<u32>,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month.
    pub day: u32,
}

/// Reads a day of birth, which is not after today (year, month, day) nor before 1850; none where it cannot be one.
pub fn birthday(cell: &str, order: Order, today: (u32, u32, u32)) -> Option<Birthday> {
    let (year, month, day) = match Written::of(cell)? {
        Written::Iso(year, month, day) => (Some((year, 4)), month, day),
        Written::Annual(month, day) => (None, month, day),
        Written::Dotted(day, month, year) => (year, month, day),
        Written::Numbers(one, two, year) => match order {
            Order::DayFirst => (year, two, one),
            Order::MonthFirst => (year, one, two),
        },
        Written::Serial(serial) => {
            let (year, month, day) = excel_day(serial);
            (Some((year, 4)), month, day)
        }
    };
    // Of two digits: the last such year that was not after today.
    let year = year.map(|(year, digits)| match digits {
        2 if today.0 / 100 * 100 + year > today.0 => today.0 / 100 * 100 - 100 + year,
        2 => today.0 / 100 * 100 + year,
        _ => year,
    });
    // 2000 has every day of a year.
    let exists = (1..=12).contains(&month) && (1..=days_in(year.unwrap_or(2000), month)).contains(&day);
    let lived = year.is_none_or(|year| year >= 1850 && (year, month, day) <= today);
    (exists && lived).then_some(Birthday { year, month, day })
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A day of Excel's calendar, in which 1900 has a 29 February that never was: behind it, 2 is 1 January.
fn excel_day(serial: u32) -> (u32, u32, u32) {
    let mut left = serial - 1;
    let mut year = 1900;
    loop {
        let days = if days_in(year, 2) == 29 { 366 } else { 365 };
        if left <= days {
            break;
        }
        left -= days;
        year += 1;
    }
    let mut month = 1;
    while left > days_in(year, month) {
        left -= days_in(year, month);
        month += 1;
    }
    (year, month, left)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TODAY: (u32, u32, u32) = (2026, 3, 10);

    fn read(cell: &str, order: Order) -> Option<(Option<u32>, u32, u32)> {
        birthday(cell, order, TODAY).map(|day| (day.year, day.month, day.day))
    }

    #[test]
    fn days_are_read_in_every_notation() {
        for (cell, expected) in [
            ("1990-05-17", (Some(1990), 5, 17)),
            ("1990/5/17", (Some(1990), 5, 17)),
            ("1990-05-17T00:00:00.000Z", (Some(1990), 5, 17)),
            ("17/05/1990 00:00", (Some(1990), 5, 17)),
            ("17.05.1990", (Some(1990), 5, 17)),
            ("17.5.90", (Some(1990), 5, 17)),
            ("17.05.", (None, 5, 17)),
            ("17-05-1990", (Some(1990), 5, 17)),
            ("17/05", (None, 5, 17)),
            ("--02-29", (None, 2, 29)),
            ("29/02", (None, 2, 29)),
            ("29/02/2000", (Some(2000), 2, 29)),
            ("10/03/26", (Some(2026), 3, 10)),
            ("11/03/27", (Some(1927), 3, 11)),
            // Numbers that Excel shows for these days.
            ("10000", (Some(1927), 5, 18)),
            ("32874", (Some(1990), 1, 1)),
            ("36585.0", (Some(2000), 2, 29)),
            ("45000", (Some(2023), 3, 15)),
        ] {
            assert_eq!(read(cell, Order::DayFirst), Some(expected), "{cell}");
        }
        assert_eq!(read("05/17/1990", Order::MonthFirst), Some((Some(1990), 5, 17)));
        assert_eq!(read("17.05.1990", Order::MonthFirst), Some((Some(1990), 5, 17)));
    }

    #[test]
    fn days_that_cannot_be_are_not_read() {
        for cell in [
            "29/02/1990",
            "29/02/1900",
            "31/04/1990",
            "05/17/1990",
            "00/01/1990",
            "1990-13-01",
            "1990-00-10",
            "11/03/2026",
            "01/01/1849",
            "60",
            "0",
            "9999",
            "99999",
            "19900517",
            "1990",
            "17 May 1990",
            "1990-05-17 12:30",
            "yesterday",
            "",
            "-",
            "--",
            "//",
            "1/2/3/4",
            "17/05/190",
        ] {
            assert_eq!(read(cell, Order::DayFirst), None, "{cell}");
        }
    }

    #[test]
    fn a_column_tells_the_order_of_its_days() {
        let evidence = |cells: &[&str]| {
            let mut evidence = Evidence::default();
            cells.iter().for_each(|cell| evidence.add(cell));
            evidence
        };
        assert_eq!(evidence(&["01/02/1990", "17/05/1990"]).order(), Some(Order::DayFirst));
        assert_eq!(evidence(&["01/02/1990", "05/17/1990"]).order(), Some(Order::MonthFirst));
        assert_eq!(evidence(&["17/05/1990", "18/05/1990", "05/17/1990"]).order(), Some(Order::DayFirst));
        assert!(evidence(&["01/02/1990"]).is_ambiguous());
        assert!(!evidence(&["1990-05-17", "17.05.1990", "5/5/1990", "x"]).is_ambiguous());
    }

    proptest! {
        #[test]
        fn any_text_is_a_day_or_none(cell in "[0-9/.T: -]{0,12}|.{0,20}") {
            for order in [Order::DayFirst, Order::MonthFirst] {
                if let Some(day) = birthday(&cell, order, TODAY) {
                    prop_assert!((1..=12).contains(&day.month) && (1..=31).contains(&day.day), "{day:?}");
                }
            }
        }

        #[test]
        fn excels_numbers_follow_one_another(serial in 10_000u32..80_000) {
            let (year, month, day) = excel_day(serial);
            let next = excel_day(serial + 1);
            let expected = if day < days_in(year, month) { (year, month, day + 1) }
                else if month < 12 { (year, month + 1, 1) } else { (year + 1, 1, 1) };
            prop_assert_eq!(next, expected);
        }
    }
}
