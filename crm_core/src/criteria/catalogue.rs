//! The catalogue: one entry a field, and nothing about a field anywhere else.
//!
//! A domain that brings fields adds its entries here; operators, checks, SQL, sentences and schema follow.
//! What the SQL names is the contract with the database, listed in [`super::facts`].

use super::facts;
use super::field::{Field, Group, Kind, Relation};
use super::number::Unit;
use super::operator::QUANTITY;

const COUNT: Kind = Kind::Number(Unit::Whole, Some(0), None);
const SCORE: Kind = Kind::Number(Unit::Whole, Some(1), Some(5));
const MONEY: Kind = Kind::Number(Unit::Money, None, None);

const LABELS: Kind = Kind::Enum(&["CHAMPION", "LOYAL", "POTENTIAL", "NEW", "AT_RISK", "LOST", "INACTIVE"]);
const DAYPARTS: Kind = Kind::Enum(&["breakfast", "lunch", "afternoon", "dinner", "late"]);
const CONSENT: Kind = Kind::Enum(&["GRANTED", "REVOKED", "PENDING", "EXPIRED"]);
const KINDS: Kind = Kind::Enum(&["walk_in", "guest", "registered", "anonymous", "wholesale"]);
/// Regulation (EU) No 1169/2011, Annex II; as `crm.health_values` has them.
const ALLERGENS: Kind = Kind::Set(&[
    "gluten",
    "crustaceans",
    "eggs",
    "fish",
    "peanuts",
    "soybeans",
    "milk",
    "nuts",
    "celery",
    "mustard",
    "sesame",
    "sulphites",
    "lupin",
    "molluscs",
]);
const DIETS: Kind = Kind::Set(&[
    "vegetarian",
    "vegan",
    "pescatarian",
    "halal",
    "kosher",
    "no_pork",
    "no_beef",
    "no_alcohol",
    "diabetic",
    "low_sodium",
    "low_sugar",
    "low_fat",
    "low_carb",
    "low_fodmap",
]);
const WEEKDAYS: Kind =
    Kind::Enum(&["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]);

/// The fields of a guest.
pub static GUEST: &[Field] = &[
    Field::new("total_orders", "number of orders", "Counted orders", COUNT, Group::Stats, "f.total_orders"),
    Field::new("total_visits", "number of visits", "Local days with a counted order", COUNT, Group::Stats, "f.total_visits"),
    Field::new("total_spent", "total spend", "Sum of the order totals, net of refunds", MONEY, Group::Stats, "f.total_spent"),
    Field::new(
        "aov",
        "average order value",
        "Total spend divided by orders, rounded to two decimals; unknown without orders",
        MONEY,
        Group::Stats,
        "f.aov",
    )
    .nullable(),
    Field::new("highest_order", "highest order", "Highest order total; unknown without orders", MONEY, Group::Stats, "f.highest_order")
        .nullable(),
    Field::new(
        "first_order_at",
        "first order",
        "Completion of the first counted order; unknown without orders",
        Kind::Timestamp,
        Group::Stats,
        "f.first_order_day",
    )
    .nullable(),
    Field::new(
        "last_order_at",
        "last order",
        "Completion of the last counted order; unknown without orders",
        Kind::Timestamp,
        Group::Stats,
        "f.last_order_day",
    )
    .nullable(),
    Field::new(
        "days_since_last_order",
        "days since the last order",
        "Calendar days from the local day of the last counted order to today; unknown without orders",
        COUNT,
        Group::Stats,
        "CASE WHEN f.last_order_day > f.today THEN 0 ELSE f.today - f.last_order_day END",
    )
    .nullable()
    .counting_days_since("f.last_order_day"),
    Field::new(
        "avg_gap_days",
        "average gap between visits in days",
        "Days from the first to the last order divided by visits less one, rounded to two decimals; unknown before the second visit",
        Kind::Number(Unit::Decimal(2), Some(0), None),
        Group::Stats,
        "f.avg_gap_days",
    )
    .nullable(),
    Field::new("recency_score", "recency score", "1 (longest ago) to 5; unknown without orders", SCORE, Group::Stats, "f.recency_score")
        .nullable()
        .venue_only(),
    Field::new("frequency_score", "frequency score", "1 (fewest visits) to 5; unknown without orders", SCORE, Group::Stats, "f.frequency_score")
        .nullable()
        .venue_only(),
    Field::new("monetary_score", "monetary score", "1 (least spent) to 5; unknown without orders", SCORE, Group::Stats, "f.monetary_score")
        .nullable()
        .venue_only(),
    Field::new("label", "label", "The guest's label at the venue", LABELS, Group::Stats, "f.label")
        .nullable()
        .venue_only(),
    Field::new("previous_label", "previous label", "Label before the last change; unknown before the first", LABELS, Group::Stats, "f.previous_label")
        .nullable()
        .venue_only(),
    Field::new(
        "label_changed_at",
        "last change of label",
        "When the label last changed",
        Kind::Timestamp,
        Group::Stats,
        "f.label_changed_day",
    )
    .nullable()
    .venue_only(),
    Field::new(
        "spend_percentile",
        "spend percentile",
        "Share of the venue's cohort that spent strictly less, in whole percent; unknown without orders",
        Kind::Number(Unit::Whole, Some(0), Some(99)),
        Group::Cohort,
        "f.spend_percentile",
    )
    .nullable()
    .venue_only(),
    Field::new("name", "name", "Name in the profile", Kind::Text, Group::Profile, "f.name").nullable().sensitive(),
    Field::new("phone", "phone number", "Phone number in the profile, as the platform has it", Kind::Text, Group::Profile, "f.phone")
        .nullable()
        .sensitive(),
    Field::new("email", "e-mail address", "E-mail address in the profile", Kind::Text, Group::Profile, "f.email")
        .nullable()
        .sensitive(),
    Field::new(
        "birth_date",
        "birthday",
        "Date of birth in the profile; where its year is not known, it comes round and is known, but is on, before or after no day",
        Kind::AnnualDate,
        Group::Profile,
        "f.birth_date",
    )
    .coming_round("f.birthday")
    .nullable()
    .sensitive(),
    Field::new("kind", "kind of guest", "What kind of guest the profile says", KINDS, Group::Profile, "f.kind"),
    Field::new("blocked", "blocked", "Whether the guest is blocked", Kind::Boolean, Group::Profile, "f.blocked"),
    Field::new("language", "language", "Language to address the guest in, as of BCP 47", Kind::Text, Group::Profile, "f.language").nullable(),
    Field::new("city", "city", "City of the guest's address to use", Kind::Text, Group::Profile, "f.city").nullable().sensitive(),
    Field::new(
        "tags",
        "tags",
        "Names of the tags put on the guest by hand; for a tag that a rule gives, ask for its segment",
        Kind::Set(&[]),
        Group::Profile,
        "f.tags",
    ),
    Field::new("consent.email_marketing", "consent to e-mail marketing", "Where the guest stands on e-mail marketing, by the latest he said at the venue or to the organisation; unknown where he said nothing", CONSENT, Group::Profile, "f.consent_states ->> 'EMAIL_MARKETING'").nullable(),
    Field::new("consent.sms_marketing", "consent to SMS marketing", "Where the guest stands on SMS marketing, by the latest he said at the venue or to the organisation; unknown where he said nothing", CONSENT, Group::Profile, "f.consent_states ->> 'SMS_MARKETING'").nullable(),
    Field::new("consent.whatsapp_marketing", "consent to WhatsApp marketing", "Where the guest stands on WhatsApp marketing, by the latest he said at the venue or to the organisation; unknown where he said nothing", CONSENT, Group::Profile, "f.consent_states ->> 'WHATSAPP_MARKETING'").nullable(),
    Field::new("consent.review_request", "consent to review requests", "Where the guest stands on review requests, by the latest he said at the venue or to the organisation; unknown where he said nothing", CONSENT, Group::Profile, "f.consent_states ->> 'REVIEW_REQUEST'").nullable(),
    Field::new("reachable.email_marketing", "reachable for e-mail marketing", "Whether the guest may be written to: consented, with an address that is not suppressed, not blocked, no wish to be left alone", Kind::Boolean, Group::Profile, "'EMAIL_MARKETING' = ANY (f.reachable_on)"),
    Field::new("reachable.sms_marketing", "reachable for SMS marketing", "Whether the guest may be written to: consented, with an address that is not suppressed, not blocked, no wish to be left alone", Kind::Boolean, Group::Profile, "'SMS_MARKETING' = ANY (f.reachable_on)"),
    Field::new("reachable.whatsapp_marketing", "reachable for WhatsApp marketing", "Whether the guest may be written to: consented, with an address that is not suppressed, not blocked, no wish to be left alone", Kind::Boolean, Group::Profile, "'WHATSAPP_MARKETING' = ANY (f.reachable_on)"),
    Field::new("reachable.review_request", "reachable for review requests", "Whether the guest may be written to: consented, with an address that is not suppressed, not blocked, no wish to be left alone", Kind::Boolean, Group::Profile, "'REVIEW_REQUEST' = ANY (f.reachable_on)"),
    Field::new("created_at", "first sight", "When the CRM first saw the guest", Kind::Timestamp, Group::Profile, "f.created_day"),
    Field::new(
        "in_segment",
        "segments",
        "Keys of the other segments that the guest is a member of",
        Kind::Set(&[]),
        Group::Segments,
        "f.segments",
    ),
    Field::new(
        "allergens",
        "allergens",
        "Allergens that the guest told the venue, or the whole organisation; of the latter alone in criteria of the organisation",
        ALLERGENS,
        Group::Preferences,
        "f.allergens",
    )
    .health(),
    Field::new(
        "dietary",
        "diets",
        "Diets that the guest told the venue, or the whole organisation; of the latter alone in criteria of the organisation",
        DIETS,
        Group::Preferences,
        "f.dietary",
    )
    .health(),
    Field::new(
        "favourites",
        "favourites",
        "Names of the products and categories that are favourites of the guest, stated or derived from his orders",
        Kind::Set(&[]),
        Group::Preferences,
        "f.favourites",
    )
    .venue_only(),
    Field::new(
        "dislikes",
        "dislikes",
        "Names of the products and categories that the guest dislikes, stated or derived from his orders",
        Kind::Set(&[]),
        Group::Preferences,
        "f.dislikes",
    )
    .venue_only(),
    Field::new(
        "preferred_category",
        "preferred category",
        "Category in most of the guest's orders, at least three; unknown where there is none",
        Kind::Text,
        Group::Preferences,
        "f.preferred_category",
    )
    .nullable()
    .venue_only(),
    Field::new(
        "preferred_daypart",
        "preferred part of the day",
        "Part of the day of at least 60 % of the last ten visits; unknown where there is none, or before the fifth visit",
        DAYPARTS,
        Group::Preferences,
        "f.preferred_daypart",
    )
    .nullable()
    .venue_only(),
    Field::new(
        "preferred_table",
        "preferred table",
        "Table of at least 60 % of the last ten visits; unknown where there is none, or before the fifth visit",
        Kind::Text,
        Group::Preferences,
        "f.preferred_table",
    )
    .nullable()
    .venue_only(),
    Field::new(
        "preferred_channel",
        "preferred channel",
        "Channel of at least 60 % of the last ten visits; unknown where there is none, or before the fifth visit",
        Kind::Text,
        Group::Preferences,
        "f.preferred_channel",
    )
    .nullable()
    .venue_only(),
    Field::new(
        "preferred_payment_method",
        "preferred payment method",
        "Payment method of at least 60 % of the last ten visits; unknown where there is none, or before the fifth visit",
        Kind::Text,
        Group::Preferences,
        "f.preferred_payment_method",
    )
    .nullable()
    .venue_only(),
    Field::new(
        "spend_trend",
        "spend trend",
        "The last five orders against the five before: up or down where they add up to more than 10 % more or less, else steady; unknown before the tenth order",
        Kind::Enum(&["up", "down", "steady"]),
        Group::Preferences,
        "f.spend_trend",
    )
    .nullable()
    .venue_only(),
    Field::new("orders", "orders", "Counted orders", Kind::Relation(&ORDERS), Group::Orders, ""),
    Field::new("items", "items", "Lines of counted orders", Kind::Relation(&ITEMS), Group::Items, ""),
    Field::new(
        "random_bucket",
        "random bucket",
        "A number from 0 to 99 that a guest keeps for good, for holdouts and tests",
        Kind::Number(Unit::Whole, Some(0), Some(99)),
        Group::Fixed,
        "f.random_bucket",
    ),
];

static ORDERS: Relation = Relation {
    fields: ORDER_FIELDS,
    source: facts::ORDERS_OF_GUEST,
    of_all: Some(&facts::ORDERS_OF_ALL),
    day: "o.day",
    sum: "sum(o.total)",
    quantity: None,
    noun: ("order", "orders"),
};

static ORDER_FIELDS: &[Field] = &[
    Field::new("total", "total", "Total net of refunds", MONEY, Group::Orders, "o.total"),
    Field::new(
        "channel",
        "channel",
        "How it was ordered, where the platform says",
        Kind::Text,
        Group::Orders,
        "o.channel",
    )
    .nullable(),
    Field::new(
        "daypart",
        "daypart",
        "Part of the local day in which it was completed",
        DAYPARTS,
        Group::Orders,
        "o.daypart",
    ),
    Field::new("weekday", "weekday", "Weekday of its local day", WEEKDAYS, Group::Orders, "o.weekday"),
    Field::new(
        "table",
        "table",
        "Table it was served at, where the platform says",
        Kind::Text,
        Group::Orders,
        "o.table_name",
    )
    .nullable(),
    Field::new(
        "promo_code",
        "promotion code",
        "Promotion code, where there is one",
        Kind::Text,
        Group::Orders,
        "o.promo_code",
    )
    .nullable(),
    Field::new(
        "payment_method",
        "payment method",
        "How it was paid, where the platform says",
        Kind::Text,
        Group::Orders,
        "o.payment_method",
    )
    .nullable(),
    Field::new(
        "completed_at",
        "completion",
        "When it was completed",
        Kind::Timestamp,
        Group::Orders,
        "o.day",
    ),
    Field::new("items", "items", "Lines of the order", Kind::Relation(&ITEMS_OF_ORDER), Group::Items, ""),
];

static ITEMS: Relation = Relation {
    fields: ITEM_FIELDS,
    source: facts::ITEMS_OF_GUEST,
    of_all: Some(&facts::ITEMS_OF_ALL),
    day: "i.day",
    sum: "sum(i.amount)",
    quantity: Some("sum(i.quantity)"),
    noun: ("item", "items"),
};

static ITEMS_OF_ORDER: Relation = Relation {
    fields: ITEM_FIELDS,
    source: "crm.items_of_order(o.order_ref, o.day) AS i",
    of_all: None,
    day: "i.day",
    sum: "sum(i.amount)",
    quantity: Some("sum(i.quantity)"),
    noun: ("item", "items"),
};

static ITEM_FIELDS: &[Field] = &[
    Field::new("product", "product", "Name of the product", Kind::Text, Group::Items, "i.product").nullable(),
    Field::new(
        "category",
        "category",
        "Category of the product, where the platform says",
        Kind::Text,
        Group::Items,
        "i.category",
    )
    .nullable(),
    Field::new(
        "quantity",
        "quantity",
        "How many",
        Kind::Number(QUANTITY, None, None),
        Group::Items,
        "i.quantity",
    )
    .nullable(),
    Field::new("amount", "amount", "Total of the line", MONEY, Group::Items, "i.amount").nullable(),
    Field::new(
        "completed_at",
        "completion",
        "When its order was completed",
        Kind::Timestamp,
        Group::Items,
        "i.day",
    ),
];

/// A field of a guest or, in a relation's `where`, of its rows.
pub(super) fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}
