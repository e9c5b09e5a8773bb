//! The values of conditions: numbers, texts, days, durations and windows.

use super::check::unit_of;
use super::date::{DayExpression, Duration, Window, read_day};
use super::field::{Field, Kind};
use super::json::Json;
use super::number::{MOST, Number, NumberFault, Unit};
use super::operator::{Operator, Takes};
use super::place::Place;
use super::problem::{Code, Problem, Problems, nearest};
use super::tree::Operand;

/// Values of a list.
pub(super) const MOST_VALUES: usize = 500;

/// Where a value is read, and who is told of its faults.
pub(super) struct Reading<'a> {
    pub(super) place: &'a mut Place,
    pub(super) problems: &'a mut Problems,
}

/// Reads the value of a condition.
pub(super) fn read(
    json: &Json,
    field: &'static Field,
    operator: Operator,
    takes: Takes,
    at: &mut Reading<'_>,
) -> Option<Operand> {
    if let Some(unit) = unit_of(field, takes) {
        return match takes {
            Takes::Range => at
                .range(json, |at, json| at.number(json, unit), |a, b| a.minor > b.minor)
                .map(|(a, b)| Operand::NumberRange(a, b)),
            Takes::List => {
                let mut numbers = at.list(json, |at, json| at.number(json, unit))?;
                numbers.sort_by_key(|number| number.minor);
                numbers.dedup();
                Some(Operand::Numbers(numbers))
            }
            _ => at.number(json, unit).map(Operand::Number),
        };
    }
    match takes {
        Takes::Duration => at.duration_of(json, operator).map(Operand::Duration),
        Takes::Month => at.month(json),
        Takes::Range => {
            at.range(json, Reading::day, DayExpression::always_after).map(|(a, b)| Operand::DayRange(a, b))
        }
        Takes::List => {
            let mut texts = at.list(json, |at, json| at.text_of(json, field, operator))?;
            texts.sort_unstable();
            texts.dedup();
            Some(Operand::Texts(texts))
        }
        _ => match field.kind {
            Kind::Boolean => at.boolean(json).map(Operand::Boolean),
            Kind::Timestamp | Kind::AnnualDate => at.day(json).map(Operand::Day),
            _ => at.text_of(json, field, operator).map(Operand::Text),
        },
    }
}

/// Reads the `within` of a relation.
pub(super) fn window(json: &Json, at: &mut Reading<'_>) -> Option<Window> {
    const FORMS: [&str; 3] =
        [r#"{"last":"30d"}"#, r#"{"next":"7d"}"#, r#"{"from":"2025-01-01","to":"today"}"#];
    let keys: Vec<&str> = match json {
        Json::Object(members) => members.iter().map(|(key, _)| key.as_str()).collect(),
        _ => Vec::new(),
    };
    match (keys.as_slice(), json) {
        (["last"], _) => at.inside("last", |at| at.duration(json.get("last")?)).map(Window::Last),
        (["next"], _) => at.inside("next", |at| at.duration(json.get("next")?)).map(Window::Next),
        (["from", "to"] | ["to", "from"], _) => {
            let from = at.inside("from", |at| at.day(json.get("from")?));
            let to = at.inside("to", |at| at.day(json.get("to")?));
            let (from, to) = (from?, to?);
            at.in_order(from.always_after(to), json)?;
            Some(Window::Between(from, to))
        }
        (_, Json::Faulty) => None,
        _ => {
            let message = "a window is a duration before or after today, or from one day to another";
            at.refuse(Code::WrongType, message, json, |problem| problem.allowed(FORMS))
        }
    }
}

impl Reading<'_> {
    fn inside<R>(&mut self, step: impl std::fmt::Display, work: impl FnOnce(&mut Self) -> R) -> R {
        let outside = self.place.enter(step);
        let result = work(self);
        self.place.leave(outside);
        result
    }

    fn refuse<T>(
        &mut self,
        code: Code,
        message: &str,
        got: &Json,
        detail: impl FnOnce(Problem) -> Problem,
    ) -> Option<T> {
        if *got != Json::Faulty {
            let got_text = if let Json::Text(text) = got { text.clone() } else { got.to_string() };
            self.problems.add(detail(Problem::new(self.place.pointer(), code, message).got(got_text)));
        }
        None
    }

    fn in_order(&mut self, reversed: bool, json: &Json) -> Option<()> {
        if reversed {
            let message = "the first bound lies after the second, so nothing is between them";
            return self.refuse(Code::ReversedRange, message, json, |problem| {
                problem.suggestion(Some("swap the bounds"))
            });
        }
        Some(())
    }

    fn number(&mut self, json: &Json, unit: Unit) -> Option<Number> {
        let literal = match json {
            Json::Number(literal) => literal,
            // Money travels as a decimal string, as numbers lose digits in most JSON libraries.
            Json::Text(literal) if unit == Unit::Money => literal,
            other => {
                let expected = match unit {
                    Unit::Money => "an amount of money, as a number or a decimal string",
                    Unit::Whole => "a whole number",
                    Unit::Decimal(_) => "a number",
                };
                let message = format!("expected {expected}, not {}", other.type_name());
                let quotes = match other {
                    Json::Text(text) if Number::read(text, unit).is_ok() => Some(text.clone()),
                    _ => None,
                };
                return self.refuse(Code::WrongType, &message, json, |problem| problem.suggestion(quotes));
            }
        };
        let message = match Number::read(literal, unit) {
            Ok(number) => return Some(number),
            Err(NumberFault::NotANumber) => (Code::WrongType, "not a decimal number".to_owned()),
            Err(NumberFault::TooPrecise) if unit.places() == 0 => {
                (Code::TooPrecise, "a whole number is needed".to_owned())
            }
            Err(NumberFault::TooPrecise) => {
                (Code::TooPrecise, format!("more than {} decimals", unit.places()))
            }
            Err(NumberFault::OutOfRange) => {
                (Code::OutOfRange, format!("must lie between -{MOST} and {MOST}, both excluded"))
            }
        };
        self.refuse(message.0, &message.1, json, |problem| problem)
    }

    fn boolean(&mut self, json: &Json) -> Option<bool> {
        match json {
            Json::Bool(value) => Some(*value),
            _ => self.refuse(Code::WrongType, "expected true or false", json, |problem| {
                problem.allowed(["true", "false"])
            }),
        }
    }

    fn text_of(&mut self, json: &Json, field: &Field, operator: Operator) -> Option<String> {
        let Json::Text(text) = json else {
            let message = format!("expected a string, not {}", json.type_name());
            return self.refuse(Code::WrongType, &message, json, |problem| {
                problem.allowed(field.values().iter().copied())
            });
        };
        let values = field.values();
        if !values.is_empty() && !values.contains(&text.as_str()) {
            let message = format!("\"{}\" has no such value", field.name);
            return self.refuse(Code::UnknownValue, &message, json, |problem| {
                problem.allowed(values.iter().copied()).suggestion(nearest(text, values.iter().copied()))
            });
        }
        let needs_content = matches!(field.kind, Kind::Set(_))
            || matches!(operator, Operator::StartsWith | Operator::Contains);
        if needs_content && text.is_empty() {
            return self.refuse(Code::EmptyValue, "an empty text says nothing here", json, |problem| problem);
        }
        Some(text.clone())
    }

    fn day(&mut self, json: &Json) -> Option<DayExpression> {
        const FORMS: [&str; 4] = ["\"YYYY-MM-DD\"", "\"today\"", r#"{"ago":"30d"}"#, r#"{"ahead":"7d"}"#];
        let members = match json {
            Json::Text(text) if text == "today" => return Some(DayExpression::Today),
            Json::Text(text) => {
                return match read_day(text) {
                    Some(day) => Some(DayExpression::On(day)),
                    None => self.refuse(Code::InvalidDate, "not a day of the calendar", json, |problem| {
                        problem.allowed(FORMS).suggestion(
                            nearest(text, ["today"]).map(str::to_owned).or_else(|| day_of_instant(text)),
                        )
                    }),
                };
            }
            Json::Object(members) => members.as_slice(),
            _ => &[],
        };
        match members {
            [(key, duration)] if key == "ago" => {
                self.inside("ago", |at| at.duration(duration)).map(DayExpression::Ago)
            }
            [(key, duration)] if key == "ahead" => {
                self.inside("ahead", |at| at.duration(duration)).map(DayExpression::Ahead)
            }
            _ => self.refuse(Code::WrongType, "expected a day", json, |problem| problem.allowed(FORMS)),
        }
    }

    fn duration(&mut self, json: &Json) -> Option<Duration> {
        const FORMS: [&str; 5] = ["30d", "4w", "6mo", "1y", "P30D"];
        let Json::Text(text) = json else {
            let message = format!("expected a duration as a string, not {}", json.type_name());
            return self.refuse(Code::WrongType, &message, json, |problem| problem.allowed(FORMS));
        };
        match Duration::read(text) {
            Some(duration) => Some(duration),
            None => {
                let message = "a duration is a number of d, w, mo or y, from one day to a hundred years";
                self.refuse(Code::InvalidDuration, message, json, |problem| problem.allowed(FORMS))
            }
        }
    }

    fn duration_of(&mut self, json: &Json, operator: Operator) -> Option<Duration> {
        let duration = self.duration(json)?;
        if operator == Operator::AnniversaryWithinNext && duration.days_at_most() > 366 {
            let message = "a birthday comes round within a year, so a longer duration holds for everyone";
            return self.refuse(Code::OutOfRange, message, json, |problem| problem.allowed(["at most 1y"]));
        }
        Some(duration)
    }

    fn month(&mut self, json: &Json) -> Option<Operand> {
        let number = self.number(json, Unit::Whole)?;
        match u8::try_from(number.minor) {
            Ok(month @ 1..=12) => Some(Operand::Month(month)),
            _ => self.refuse(Code::OutOfRange, "a month is a number from 1 to 12", json, |problem| {
                problem.allowed((1..=12).map(|month: i32| month.to_string()))
            }),
        }
    }

    fn range<T: Copy>(
        &mut self,
        json: &Json,
        mut one: impl FnMut(&mut Self, &Json) -> Option<T>,
        reversed: impl FnOnce(T, T) -> bool,
    ) -> Option<(T, T)> {
        match json {
            Json::Array(values) if values.len() == 2 => {
                let from = self.inside(0, |at| one(at, &values[0]));
                let to = self.inside(1, |at| one(at, &values[1]));
                let (from, to) = (from?, to?);
                self.in_order(reversed(from, to), json)?;
                Some((from, to))
            }
            _ => self.refuse(
                Code::WrongType,
                "expected an array of two values, from and to, both included",
                json,
                |problem| problem,
            ),
        }
    }

    fn list<T>(&mut self, json: &Json, mut one: impl FnMut(&mut Self, &Json) -> Option<T>) -> Option<Vec<T>> {
        let values = match json {
            Json::Array(values) if values.is_empty() => {
                return self
                    .refuse(Code::EmptyValue, "a list needs at least one value", json, |problem| problem);
            }
            Json::Array(values) if values.len() > MOST_VALUES => {
                let message = format!("{} values; at most {MOST_VALUES} are allowed", values.len());
                return self.refuse(Code::TooManyValues, &message, json, |problem| problem);
            }
            Json::Array(values) => values,
            other => {
                let message = format!("expected an array of values, not {}", other.type_name());
                let wrapped = Json::Array(vec![other.clone()]).to_string();
                return self
                    .refuse(Code::WrongType, &message, json, |problem| problem.suggestion(Some(wrapped)));
            }
        };
        let read: Vec<Option<T>> =
            values.iter().enumerate().map(|(index, value)| self.inside(index, |at| one(at, value))).collect();
        read.into_iter().collect()
    }
}

/// The day of a timestamp, for those who write one: criteria are about whole days.
fn day_of_instant(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    read_day(day).map(|_| day.to_owned())
}
