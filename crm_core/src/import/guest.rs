//! One row read as a guest, by the rules that a profile given by hand is read by.

use serde_json::{Map, Value, json};

use super::day::{Order, birthday};
use super::field::{Field, looks_like_email};
use super::table::cell;
use super::text::tidy;
use crate::contact::phone_e164;

/// How rows are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// What each column holds.
    pub fields: &'a [Option<Field>],
    /// How days like 01/02/1990 are meant.
    pub order: Order,
    /// Region in which numbers are dialled, ISO 3166-1 alpha-2.
    pub region: Option<&'a str>,
    /// Year, month and day.
    pub today: (u32, u32, u32),
}

const MOST_TAGS: usize = 50;

/// Languages by their names in themselves and in English.
const LANGUAGES: [(&str, &[&str]); 8] = [
    ("en", &["english", "inglês", "inglés", "anglais", "englisch", "inglese"]),
    (
        "pt",
        &["portuguese", "português", "portugues", "portugués", "portugais", "portugiesisch", "portoghese"],
    ),
    ("es", &["spanish", "español", "espanol", "castellano", "espanhol", "espagnol", "spanisch", "spagnolo"]),
    ("fr", &["french", "français", "francais", "francês", "francés", "französisch", "francese"]),
    ("de", &["german", "deutsch", "alemão", "alemán", "allemand", "tedesco"]),
    ("it", &["italian", "italiano", "italien", "italienisch"]),
    ("nl", &["dutch", "nederlands"]),
    ("pl", &["polish", "polski"]),
];

/// What a column of consent says, in the languages that columns are known in.
const YES: [&str; 17] = [
    "yes",
    "y",
    "true",
    "1",
    "x",
    "ja",
    "sim",
    "s",
    "si",
    "sì",
    "sí",
    "oui",
    "granted",
    "opt-in",
    "opted in",
    "subscribed",
    "✓",
];
const NO: [&str; 14] = [
    "no",
    "n",
    "false",
    "0",
    "-",
    "nein",
    "não",
    "nao",
    "non",
    "revoked",
    "opt-out",
    "opted out",
    "unsubscribed",
    "withdrawn",
];

/// Reads a row. The object has `profile` (columns of crm.customer), `ref`, `phone_e164`, `email_key`, `tags`, `note`,
/// `address` and `consent` (true or false by channel, with `date` and `source`), each where given; `consent_unproven` where
/// a consent lacks its date or its source and so is none; or `problem`, all that is wrong with the row in one line.
pub fn read(cells: &[String], how: &Reading<'_>) -> Value {
    let mut reader = Reader::default();
    for (written, field) in cells.iter().zip(how.fields) {
        if let Some(field) = field {
            reader.take(*field, cell(written), how);
        }
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    profile: Map<String, Value>,
    guest: Map<String, Value>,
    address: Map<String, Value>,
    consent: Map<String, Value>,
    names: [Option<String>; 2],
    problems: Vec<String>,
}

impl Reader {
    fn take(&mut self, field: Field, written: &str, how: &Reading<'_>) {
        let Some(text) = tidy(written) else { return };
        let most = match field {
            Field::Name | Field::FirstName | Field::LastName => 300,
            Field::Ref => 200,
            Field::Gender | Field::Document | Field::City | Field::PostalCode => 100,
            Field::Address | Field::ConsentSource => 500,
            Field::Note => 4000,
            Field::Phone
            | Field::Email
            | Field::Birthday
            | Field::Language
            | Field::Tags
            | Field::EmailConsent
            | Field::SmsConsent
            | Field::WhatsappConsent
            | Field::ConsentDate => usize::MAX,
        };
        if text.len() > most && text.chars().count() > most {
            self.problems.push(format!("{} is longer than {most} characters", field.name()));
            return;
        }
        match field {
            Field::Name | Field::Gender | Field::Document => self.set(field.name(), text),
            Field::FirstName => self.names[0] = Some(text),
            Field::LastName => self.names[1] = Some(text),
            Field::Ref => self.say("ref", text),
            Field::City | Field::PostalCode => self.address_part(field.name(), text),
            Field::Address => self.address_part("value", text),
            // Its line breaks are the author's.
            Field::Note => self.say("note", written.trim().replace("\r\n", "\n")),
            Field::Phone => self.phone(text, how.region),
            Field::Email => self.email(text),
            Field::Birthday => match birthday(&text, how.order, how.today) {
                Some(day) => {
                    if let Some(year) = day.year {
                        self.set("birth_date", format!("{year:04}-{:02}-{:02}", day.month, day.day));
                    }
                    self.set("birthday", format!("{:02}-{:02}", day.month, day.day));
                }
                None => self.refuse("birthday", &text, "no day of birth"),
            },
            Field::Language => self.language(text),
            Field::Tags => self.tags(&text),
            Field::EmailConsent => self.consent(field, "EMAIL_MARKETING", &text),
            Field::SmsConsent => self.consent(field, "SMS_MARKETING", &text),
            Field::WhatsappConsent => self.consent(field, "WHATSAPP_MARKETING", &text),
            Field::ConsentSource => self.consent.extend([("source".to_owned(), Value::String(text))]),
            Field::ConsentDate => match day_of(&text, how) {
                Some(day) => self.consent.extend([("date".to_owned(), Value::String(day))]),
                None => self.refuse("consent_date", &text, "no day of the past"),
            },
        }
    }

    fn set(&mut self, column: &str, value: String) {
        self.profile.insert(column.to_owned(), Value::String(value));
    }

    fn say(&mut self, key: &str, value: String) {
        self.guest.insert(key.to_owned(), Value::String(value));
    }

    fn address_part(&mut self, part: &str, value: String) {
        self.address.insert(part.to_owned(), Value::String(value));
    }

    fn refuse(&mut self, field: &str, text: &str, what: &str) {
        let shown: String = text.chars().take(60).collect();
        self.problems.push(format!("{field} \"{shown}\" is {what}"));
    }

    fn phone(&mut self, text: String, region: Option<&str>) {
        match phone_e164(&text, region) {
            Some(number) => {
                self.say("phone_e164", number);
                self.set("phone", text);
                if let Some(region) = region {
                    self.set("phone_region", region.to_owned());
                }
            }
            None if text.contains("E+") => {
                self.refuse("phone", &text, "a number cut by a spreadsheet: format its column as text");
            }
            None => match region {
                Some(region) => self.refuse("phone", &text, &format!("no possible number in {region}")),
                None => self.refuse("phone", &text, "no possible number without its country's code"),
            },
        }
    }

    fn email(&mut self, text: String) {
        if looks_like_email(&text) {
            self.say("email_key", text.to_lowercase());
            self.set("email", text);
        } else {
            self.refuse("email", &text, "no e-mail address");
        }
    }

    fn language(&mut self, text: String) {
        let name = text.to_lowercase();
        let tag = LANGUAGES
            .iter()
            .find(|(_, names)| names.contains(&name.as_str()))
            .map(|(tag, _)| (*tag).to_owned());
        match tag.or_else(|| is_language_tag(&text).then(|| text.replace('_', "-"))) {
            Some(tag) => self.set("language", tag),
            None => self.refuse("language", &text, "no language tag, such as pt-BR"),
        }
    }

    fn tags(&mut self, text: &str) {
        let tags: Vec<&str> =
            text.split([',', ';', '|']).map(str::trim).filter(|tag| !tag.is_empty()).collect();
        if let Some(long) = tags.iter().find(|tag| tag.chars().count() > 60) {
            self.refuse("tag", long, "longer than 60 characters");
        } else if tags.len() > MOST_TAGS {
            self.problems.push(format!("more than {MOST_TAGS} tags"));
        } else if !tags.is_empty() {
            self.guest.insert("tags".to_owned(), json!(tags));
        }
    }

    fn consent(&mut self, field: Field, channel: &str, text: &str) {
        let said = text.to_lowercase();
        match (YES.contains(&said.as_str()), NO.contains(&said.as_str())) {
            (true, _) => self.consent.extend([(channel.to_owned(), Value::Bool(true))]),
            (_, true) => self.consent.extend([(channel.to_owned(), Value::Bool(false))]),
            _ => self.refuse(field.name(), text, "neither yes nor no"),
        }
    }

    /// A consent is one with its date and its source; a refusal needs neither.
    fn finish_consent(&mut self) {
        let mut consent = std::mem::take(&mut self.consent);
        if !(consent.contains_key("date") && consent.contains_key("source")) {
            let said = consent.len();
            consent.retain(|_, value| *value != Value::Bool(true));
            if consent.len() < said {
                self.guest.insert("consent_unproven".to_owned(), Value::Bool(true));
            }
        }
        if consent.values().any(Value::is_boolean) {
            self.guest.insert("consent".to_owned(), Value::Object(consent));
        }
    }

    fn finish(mut self) -> Value {
        self.finish_consent();
        let full = self.names.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ");
        if !full.is_empty() && !self.profile.contains_key("name") {
            if full.chars().count() > 300 {
                self.problems.push("name is longer than 300 characters".to_owned());
            }
            self.set("name", full);
        }
        if self.problems.is_empty()
            && !["ref", "phone_e164", "email_key"].iter().any(|key| self.guest.contains_key(*key))
        {
            self.problems
                .push("neither reference, phone nor e-mail: nothing to know the guest by".to_owned());
        }
        if !self.problems.is_empty() {
            return json!({ "problem": self.problems.join("; ") });
        }
        if !self.address.contains_key("value")
            && let Some(known) = self.address.get("city").or_else(|| self.address.get("postal_code")).cloned()
        {
            self.address.insert("value".to_owned(), known);
        }
        if !self.address.is_empty() {
            self.guest.insert("address".to_owned(), Value::Object(self.address));
        }
        self.guest.insert("profile".to_owned(), Value::Object(self.profile));
        Value::Object(self.guest)
    }
}

/// A day of a year, until today.
fn day_of(text: &str, how: &Reading<'_>) -> Option<String> {
    let day = birthday(text, how.order, how.today)?;
    Some(format!("{:04}-{:02}-{:02}", day.year?, day.month, day.day))
}

/// BCP 47 as profiles take it; an underscore between its parts is as common.
fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    let alphabetic =
        (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut more = 0;
    let others = parts.all(|part| {
        more += 1;
        (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    alphabetic && others && more <= 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::import::field::FIELDS;

    fn read_as(fields: &[Field], cells: &[&str]) -> Value {
        let fields: Vec<_> = fields.iter().copied().map(Some).collect();
        let cells: Vec<_> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        read(
            &cells,
            &Reading { fields: &fields, order: Order::DayFirst, region: Some("BR"), today: (2026, 3, 10) },
        )
    }

    #[test]
    fn a_row_is_a_guest() {
        assert_eq!(
            read_as(
                &[
                    Field::FirstName,
                    Field::LastName,
                    Field::Phone,
                    Field::Email,
                    Field::Birthday,
                    Field::Tags,
                    Field::City,
                    Field::Language,
                    Field::Note
                ],
                &[
                    " Ana\u{a0}",
                    "da  Silva",
                    "'+55 (11) 98765-4321",
                    "Ana@Example.com",
                    "29/02/1988",
                    "VIP; wine ,",
                    "Lisboa",
                    "Português",
                    " a\r\nb "
                ]
            ),
            json!({
                "profile": {"name": "Ana da Silva", "phone": "+55 (11) 98765-4321", "phone_region": "BR", "email": "Ana@Example.com",
                            "birth_date": "1988-02-29", "birthday": "02-29", "language": "pt"},
                "phone_e164": "+5511987654321", "email_key": "ana@example.com", "tags": ["VIP", "wine"],
                "address": {"city": "Lisboa", "value": "Lisboa"}, "note": "a\nb"
            })
        );
        assert_eq!(
            read_as(&[Field::Phone, Field::Birthday], &["11 98765-4321", "--02-29"])["profile"]["birthday"],
            "02-29"
        );
    }

    #[test]
    fn consent_is_none_without_its_date_and_source() {
        let fields =
            [Field::Email, Field::EmailConsent, Field::SmsConsent, Field::ConsentDate, Field::ConsentSource];
        assert_eq!(
            read_as(&fields, &["a@b.ch", "Sim", "no", "17/05/2024", "paper form"])["consent"],
            json!({"EMAIL_MARKETING": true, "SMS_MARKETING": false, "date": "2024-05-17", "source": "paper form"})
        );
        let unproven = read_as(&fields, &["a@b.ch", "yes", "No", "", "paper form"]);
        assert_eq!(unproven["consent"], json!({"SMS_MARKETING": false, "source": "paper form"}));
        assert_eq!(unproven["consent_unproven"], json!(true));
        assert!(read_as(&fields, &["a@b.ch", "", "", "", ""]).get("consent").is_none());
        for (cells, problem) in [
            (["a@b.ch", "maybe", "", "", ""], "email_consent \"maybe\" is neither yes nor no"),
            (
                ["a@b.ch", "yes", "", "17/05/2030", "form"],
                "consent_date \"17/05/2030\" is no day of the past",
            ),
        ] {
            assert_eq!(read_as(&fields, &cells)["problem"], problem);
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_row_is_said() {
        assert_eq!(
            read_as(&[Field::Phone, Field::Email, Field::Birthday], &["123", "ana@", "31/02/1990"])["problem"],
            "phone \"123\" is no possible number in BR; email \"ana@\" is no e-mail address; birthday \"31/02/1990\" is no day of birth"
        );
        assert!(
            read_as(&[Field::Name], &["Ana"])["problem"]
                .as_str()
                .is_some_and(|problem| problem.contains("know the guest by"))
        );
        assert!(
            read_as(&[Field::Phone], &["5.51199E+12"])["problem"]
                .as_str()
                .is_some_and(|problem| problem.contains("spreadsheet"))
        );
        let long = "x".repeat(301);
        assert_eq!(
            read_as(&[Field::Ref, Field::Name], &["1", &long])["problem"],
            "name is longer than 300 characters"
        );
        assert!(read_as(&[Field::Ref, Field::Name], &["1", &"é".repeat(300)]).get("problem").is_none());
    }

    proptest! {
        #[test]
        fn any_row_is_a_guest_or_has_a_reason(cells in prop::collection::vec(".{0,30}", 20)) {
            let fields: Vec<_> = FIELDS.iter().map(|(field, _)| Some(*field)).collect();
            let guest = read(&cells, &Reading { fields: &fields, order: Order::MonthFirst, region: None, today: (2026, 3, 10) });
            prop_assert!(guest.get("problem").is_some() != guest.get("profile").is_some());
        }
    }
}
