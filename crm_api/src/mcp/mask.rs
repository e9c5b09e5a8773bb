//! Personal data, masked: enough to tell guests apart, too little to know who they are.

use serde_json::Value;

/// Rows with name, phone and email.
pub fn guests(mut rows: Value, shown: bool) -> Value {
    if !shown && let Some(rows) = rows.as_array_mut() {
        rows.iter_mut().for_each(mask);
    }
    rows
}

/// A dossier: the profile, contacts, what notes say.
pub fn dossier(mut dossier: Value, shown: bool) -> Value {
    if shown {
        return dossier;
    }
    mask(&mut dossier["profile"]);
    for (list, member) in [("contacts", "value"), ("notes", "body"), ("notes", "author")] {
        for item in dossier[list].as_array_mut().into_iter().flatten() {
            if let Some(value) = item.get_mut(member) {
                *value = Value::from("…");
            }
        }
    }
    if let Some(contacts) = dossier["contacts"].as_array_mut() {
        for contact in contacts.iter_mut().filter_map(Value::as_object_mut) {
            contact.remove("city");
            contact.remove("postal_code");
        }
    }
    dossier
}

/// A preview of a segment: its samples.
pub fn preview(mut preview: Value, shown: bool) -> Value {
    for list in ["samples", "joining_samples", "leaving_samples"] {
        if let Some(samples) = preview.get_mut(list) {
            *samples = guests(samples.take(), shown);
        }
    }
    preview
}

fn mask(guest: &mut Value) {
    let Some(guest) = guest.as_object_mut() else { return };
    for (member, value) in guest.iter_mut() {
        let masked = match (member.as_str(), value.as_str()) {
            ("name", Some(name)) => initials(name),
            ("phone" | "phone_e164", Some(phone)) => last_two(phone),
            ("email", Some(_)) => "…@…".to_owned(),
            (
                "birthday" | "anniversary" | "document" | "photo_url" | "gender" | "blocked_reason",
                Some(_),
            ) => "…".to_owned(),
            _ => continue,
        };
        *value = Value::from(masked);
    }
}

fn initials(name: &str) -> String {
    let letters: Vec<_> =
        name.split_whitespace().filter_map(|word| word.chars().next()).map(|c| format!("{c}.")).collect();
    letters.join(" ")
}

fn last_two(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    format!("…{}", digits[digits.len().saturating_sub(2)..].iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_that_names_a_guest_is_left() {
        let rows = json!([{"ref": "g1", "name": "Zoë Müller", "phone": "+49 171 5550199", "email": "zoe@example.org", "total_visits": 3}]);
        let masked = guests(rows.clone(), false);
        assert_eq!(
            masked,
            json!([{"ref": "g1", "name": "Z. M.", "phone": "…99", "email": "…@…", "total_visits": 3}])
        );
        assert_eq!(guests(rows.clone(), true), rows);

        let whole = json!({"profile": {"name": "Zoë Müller", "birthday": "1990-01-02", "document": null},
            "contacts": [{"kind": "address", "value": "Main Street 1", "city": "Berlin"}],
            "notes": [{"body": "Zoë likes wine", "author": "Ada"}], "tags": [{"name": "VIP"}]});
        let text = dossier(whole, false).to_string();
        for personal in ["Zoë", "1990", "Main Street", "Berlin", "wine", "Ada"] {
            assert!(!text.contains(personal), "{personal}: {text}");
        }
        assert!(text.contains("VIP"));
    }
}
