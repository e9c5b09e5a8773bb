//! What a column holds, found by its name in several languages, else by its values.

use deunicode::deunicode;

use super::day::Written;

/// What is known of a guest from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Field {
    Ref,
    Name,
    FirstName,
    LastName,
    Phone,
    Email,
    Birthday,
    Language,
    Gender,
    Document,
    City,
    PostalCode,
    Address,
    Tags,
    Note,
    EmailConsent,
    SmsConsent,
    WhatsappConsent,
    ConsentDate,
    ConsentSource,
}

/// Every field with its name in a mapping.
pub const FIELDS: [(Field, &str); 20] = [
    (Field::Ref, "ref"),
    (Field::Name, "name"),
    (Field::FirstName, "first_name"),
    (Field::LastName, "last_name"),
    (Field::Phone, "phone"),
    (Field::Email, "email"),
    (Field::Birthday, "birthday"),
    (Field::Language, "language"),
    (Field::Gender, "gender"),
    (Field::Document, "document"),
    (Field::City, "city"),
    (Field::PostalCode, "postal_code"),
    (Field::Address, "address"),
    (Field::Tags, "tags"),
    (Field::Note, "note"),
    (Field::EmailConsent, "email_consent"),
    (Field::SmsConsent, "sms_consent"),
    (Field::WhatsappConsent, "whatsapp_consent"),
    (Field::ConsentDate, "consent_date"),
    (Field::ConsentSource, "consent_source"),
];

impl Field {
    /// The field of a name in a mapping.
    pub fn named(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known)| *known == name).map(|(field, _)| *field)
    }

    /// Its name in a mapping.
    pub fn name(self) -> &'static str {
        FIELDS[self as usize].1
    }
}

/// Names of columns in English, Portuguese, Spanish, French, German and Italian, as [`plain`] has them. The first one that
/// a column has decides.
const NAMES: [(Field, &[&str]); 15] = [
    (
        Field::Email,
        &[
            "email",
            "mail",
            "e mail",
            "email address",
            "e mail address",
            "mail address",
            "correo",
            "correo electronico",
            "courriel",
            "adresse mail",
            "adresse email",
            "adresse e mail",
            "mailadresse",
            "emailadresse",
            "e mail adresse",
            "endereco de email",
            "endereco de e mail",
            "posta elettronica",
            "indirizzo email",
            "indirizzo e mail",
        ],
    ),
    (
        Field::Phone,
        &[
            "phone",
            "phone number",
            "mobile",
            "mobile phone",
            "mobile number",
            "mobil",
            "mobiltelefon",
            "cell",
            "cell phone",
            "cellphone",
            "cellulare",
            "telephone",
            "telephone number",
            "tel",
            "telefone",
            "telefone celular",
            "celular",
            "telemovel",
            "numero de telefone",
            "whatsapp",
            "fone",
            "telefono",
            "telefono movil",
            "movil",
            "numero de telefono",
            "numero di telefono",
            "portable",
            "telephone portable",
            "numero de telephone",
            "telefon",
            "telefonnummer",
            "handy",
            "handynummer",
            "mobilnummer",
            "rufnummer",
            "contact number",
        ],
    ),
    (
        Field::FirstName,
        &[
            "first name",
            "firstname",
            "given name",
            "forename",
            "vorname",
            "prenom",
            "primeiro nome",
            "primer nombre",
            "nombre de pila",
        ],
    ),
    (
        Field::LastName,
        &[
            "last name",
            "lastname",
            "surname",
            "family name",
            "nachname",
            "familienname",
            "nom de famille",
            "sobrenome",
            "ultimo nome",
            "apelido",
            "apellido",
            "apellidos",
            "cognome",
        ],
    ),
    (
        Field::Name,
        &[
            "name",
            "full name",
            "fullname",
            "guest",
            "guest name",
            "customer",
            "customer name",
            "contact name",
            "client",
            "nome",
            "nome completo",
            "nome do cliente",
            "cliente",
            "nombre",
            "nombre completo",
            "nombre y apellidos",
            "nom",
            "nom complet",
            "nom et prenom",
            "gast",
            "gastname",
            "kunde",
            "kundenname",
            "vollstandiger name",
            "vor und nachname",
            "nome e cognome",
            "nominativo",
            "ospite",
        ],
    ),
    (
        Field::Birthday,
        &[
            "birthday",
            "birth date",
            "birthdate",
            "date of birth",
            "dob",
            "born",
            "data de nascimento",
            "nascimento",
            "data nascimento",
            "aniversario",
            "fecha de nacimiento",
            "nacimiento",
            "cumpleanos",
            "date de naissance",
            "naissance",
            "anniversaire",
            "geburtstag",
            "geburtsdatum",
            "geb",
            "geb datum",
            "data di nascita",
            "nascita",
            "compleanno",
        ],
    ),
    (
        Field::Ref,
        &[
            "ref",
            "reference",
            "id",
            "customer id",
            "customer number",
            "customer no",
            "guest id",
            "client id",
            "external id",
            "codigo",
            "codigo do cliente",
            "id do cliente",
            "id cliente",
            "referencia",
            "numero client",
            "kundennummer",
            "kunden nr",
            "kundennr",
            "kunden id",
            "gastnummer",
            "codice",
            "codice cliente",
            "riferimento",
        ],
    ),
    (
        Field::Language,
        &[
            "language",
            "lang",
            "locale",
            "idioma",
            "lingua",
            "lingua preferida",
            "langue",
            "sprache",
            "preferred language",
        ],
    ),
    (Field::Gender, &["gender", "sex", "genero", "sexo", "genre", "sexe", "geschlecht", "sesso", "genere"]),
    (
        Field::Document,
        &[
            "document",
            "document number",
            "passport",
            "tax id",
            "cpf",
            "cnpj",
            "rg",
            "documento",
            "nif",
            "nie",
            "dni",
            "pasaporte",
            "passaporte",
            "passeport",
            "ausweis",
            "ausweisnummer",
            "steuernummer",
            "codice fiscale",
        ],
    ),
    (
        Field::PostalCode,
        &[
            "postal code",
            "postcode",
            "post code",
            "zip",
            "zip code",
            "zipcode",
            "cep",
            "codigo postal",
            "code postal",
            "plz",
            "postleitzahl",
            "cap",
        ],
    ),
    (
        Field::City,
        &[
            "city",
            "town",
            "cidade",
            "ciudad",
            "localidade",
            "localidad",
            "poblacion",
            "ville",
            "stadt",
            "ort",
            "wohnort",
            "citta",
            "comune",
        ],
    ),
    (
        Field::Address,
        &[
            "address",
            "street",
            "street address",
            "endereco",
            "morada",
            "rua",
            "direccion",
            "domicilio",
            "calle",
            "adresse",
            "rue",
            "strasse",
            "anschrift",
            "indirizzo",
            "via",
        ],
    ),
    (
        Field::Tags,
        &[
            "tags",
            "tag",
            "labels",
            "label",
            "etiquetas",
            "etiqueta",
            "etiquettes",
            "etichette",
            "schlagworte",
            "stichworte",
        ],
    ),
    (
        Field::Note,
        &[
            "note",
            "notes",
            "comment",
            "comments",
            "remarks",
            "nota",
            "notas",
            "observacao",
            "observacoes",
            "comentario",
            "comentarios",
            "observaciones",
            "remarque",
            "remarques",
            "commentaire",
            "commentaires",
            "notiz",
            "notizen",
            "bemerkung",
            "bemerkungen",
            "anmerkung",
            "kommentar",
            "osservazioni",
            "commenti",
        ],
    ),
];

/// Parts of names of columns that tell of a consent, which takes a source and a date.
const CONSENT: [&str; 18] = [
    "consent",
    "newsletter",
    "opt in",
    "optin",
    "opt out",
    "marketing",
    "subscribed",
    "gdpr",
    "lgpd",
    "rgpd",
    "dsgvo",
    "consentimento",
    "consentimiento",
    "consentement",
    "consenso",
    "einwilligung",
    "aceita",
    "acepta",
];

/// A name of a column in lower case without accents, its words apart by single blanks.
fn plain(name: &str) -> String {
    let name = deunicode(name).to_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a column tells of a consent.
pub fn is_consent(name: &str) -> bool {
    let name = plain(name);
    CONSENT.iter().any(|part| name.contains(part))
}

/// Whether a text has the shape of a mail address.
pub fn looks_like_email(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || matches!(c, '@' | '<' | '>' | '"'))
    };
    text.chars().count() <= 254
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| part(local) && domain.contains('.') && domain.split('.').all(part))
}

fn looks_like_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (8..=15).contains(&digits)
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | ' ' | '.' | '/' | '\u{a0}'))
}

/// What each column holds, a field at most once; some rows of the file are the sample.
pub fn guess<'a>(
    header: &[String],
    sample: impl Iterator<Item = &'a [String]> + Clone,
) -> Vec<Option<Field>> {
    let names: Vec<String> = header.iter().map(|name| plain(name)).collect();
    let mut found = vec![None; header.len()];
    let free = |found: &[Option<Field>], field: Field| !found.contains(&Some(field));
    for (field, known) in NAMES {
        // The field's first name that a column has: "phone" before "mobile" would be chance, so the leftmost column.
        let column = names
            .iter()
            .zip(&found)
            .position(|(name, taken)| taken.is_none() && known.contains(&name.as_str()));
        if let Some(column) = column {
            found[column] = Some(field);
        }
    }
    // "Prénom" beside "Nom", "nombre" beside "apellidos", "nome" beside "cognome": the other half of a name.
    if free(&found, Field::FirstName) != free(&found, Field::LastName) {
        let other = if free(&found, Field::FirstName) { Field::FirstName } else { Field::LastName };
        if let Some(column) = found.iter().position(|field| *field == Some(Field::Name)) {
            found[column] = Some(other);
        }
    }
    for (field, fits) in [
        (Field::Email, looks_like_email as fn(&str) -> bool),
        (Field::Phone, looks_like_phone),
        (Field::Birthday, |cell: &str| !matches!(Written::of(cell), None | Some(Written::Serial(_)))),
        (Field::Name, |cell: &str| {
            cell.contains(char::is_alphabetic) && !cell.contains(|c: char| c.is_ascii_digit() || c == '@')
        }),
    ] {
        let named = [Field::FirstName, Field::LastName].iter().any(|part| !free(&found, *part));
        if !free(&found, field) || (field == Field::Name && named) {
            continue;
        }
        let share = |column: usize| {
            let cells =
                sample.clone().filter_map(|row| row.get(column)).map(|cell| super::table::cell(cell).trim());
            let filled = cells.clone().filter(|cell| !cell.is_empty()).count();
            let fitting = cells.filter(|cell| !cell.is_empty() && fits(cell)).count();
            filled > 0 && fitting * 10 >= filled * 8
        };
        // A name is told by no value alone: only where the file does not name its columns.
        let nameless = |column: usize| field != Field::Name || names[column].starts_with("column ");
        if let Some(column) = (0..header.len()).find(|column| {
            found[*column].is_none() && nameless(*column) && !is_consent(&header[*column]) && share(*column)
        }) {
            found[column] = Some(field);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(header: &[&str], rows: &[&[&str]]) -> String {
        let owned = |row: &[&str]| row.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = rows.iter().map(|row| owned(row)).collect();
        let found = guess(&owned(header), rows.iter().map(Vec::as_slice));
        found.iter().map(|field| field.map_or("-", Field::name)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn columns_are_known_by_their_names_in_six_languages() {
        for (header, expected) in [
            (["Name", "Phone Number", "E-Mail", "Date of Birth", "Notes"], "name phone email birthday note"),
            (
                ["Nome", "Celular", "E-mail", "Data de Nascimento", "Observações"],
                "name phone email birthday note",
            ),
            (
                ["Nombre", "Apellidos", "Teléfono", "Correo electrónico", "Cumpleaños"],
                "first_name last_name phone email birthday",
            ),
            (
                ["Nom", "Prénom", "Téléphone", "Courriel", "Code postal"],
                "last_name first_name phone email postal_code",
            ),
            (
                ["Vorname", "Nachname", "Telefon", "Geburtstag", "PLZ"],
                "first_name last_name phone birthday postal_code",
            ),
            (
                ["Nome", "Cognome", "Cellulare", "Data di nascita", "Città"],
                "first_name last_name phone birthday city",
            ),
            (
                ["first_name", "LAST NAME", "mobile", "phone", "Straße"],
                "first_name last_name phone - address",
            ),
            (["Kunden-Nr.", "Sprache", "Geschlecht", "Tags", "DNI"], "ref language gender tags document"),
        ] {
            assert_eq!(guessed(&header, &[]), expected, "{header:?}");
        }
    }

    #[test]
    fn columns_without_a_known_name_are_known_by_their_values() {
        let rows: &[&[&str]] = &[
            &["x1", "ana@example.com", "(11) 98765-4321", "1990-05-17", "true"],
            &["x2", "ben@example.com", "'+49 171 2345678", "", "false"],
        ];
        assert_eq!(guessed(&["a", "b", "c", "d", "Newsletter"], rows), "- email phone birthday -");
        let rows: &[&[&str]] = &[&["Ana Silva", "0171 2345678"], &["Ben", ""]];
        assert_eq!(guessed(&["column 1", "column 2"], rows), "name phone");
    }

    #[test]
    fn consent_is_known_to_be_one() {
        assert!(
            is_consent("Newsletter (opt-in)")
                && is_consent("Einwilligung Marketing")
                && is_consent("aceita marketing?")
        );
        assert!(!is_consent("Name") && !is_consent("Consolidated"));
    }

    #[test]
    fn every_field_has_its_name() {
        for (field, name) in FIELDS {
            assert_eq!((Field::named(name), field.name()), (Some(field), name));
        }
    }
}
