//! Random guests with orders and items, nulls wherever a column may be null.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::sequence::Sequence;

/// A guest as criteria see one. Money and averages are hundredths.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the columns")]
pub struct Guest {
    pub number: usize,
    pub total_orders: i64,
    pub total_visits: i64,
    pub total_spent: i64,
    pub aov: Option<i64>,
    pub highest_order: Option<i64>,
    pub first_order_day: Option<NaiveDate>,
    pub last_order_day: Option<NaiveDate>,
    pub avg_gap_days: Option<i64>,
    pub recency_score: Option<i64>,
    pub frequency_score: Option<i64>,
    pub monetary_score: Option<i64>,
    pub label: Option<String>,
    pub previous_label: Option<String>,
    pub label_changed_day: Option<NaiveDate>,
    pub spend_percentile: Option<i64>,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub birth_date: Option<NaiveDate>,
    pub birthday: Option<NaiveDate>,
    pub kind: String,
    pub blocked: bool,
    pub language: Option<String>,
    pub city: Option<String>,
    pub tags: Vec<String>,
    /// State on each channel where something was said.
    pub consents: BTreeMap<String, String>,
    pub reachable_on: Vec<String>,
    pub created_day: NaiveDate,
    pub segments: Option<Vec<String>>,
    pub random_bucket: i64,
    pub allergens: Vec<String>,
    pub dietary: Vec<String>,
    pub favourites: Vec<String>,
    pub dislikes: Vec<String>,
    pub preferred_category: Option<String>,
    pub preferred_daypart: Option<String>,
    pub preferred_table: Option<String>,
    pub preferred_channel: Option<String>,
    pub preferred_payment_method: Option<String>,
    pub spend_trend: Option<String>,
    pub orders: Vec<Order>,
}

/// An order. Money is hundredths.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the columns")]
pub struct Order {
    pub number: usize,
    pub total: i64,
    pub day: NaiveDate,
    pub daypart: String,
    pub channel: Option<String>,
    pub table: Option<String>,
    pub payment_method: Option<String>,
    pub promo_code: Option<String>,
    pub items: Vec<Item>,
}

/// A line of an order. Quantity is thousandths, amount hundredths.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the columns")]
pub struct Item {
    pub product: Option<String>,
    pub category: Option<String>,
    pub quantity: Option<i64>,
    pub amount: Option<i64>,
}

/// The channels of consent.
pub const CHANNELS: [&str; 4] = ["EMAIL_MARKETING", "SMS_MARKETING", "WHATSAPP_MARKETING", "REVIEW_REQUEST"];

/// So many guests, as of a day.
pub fn some(count: usize, today: NaiveDate, random: &mut Sequence) -> Vec<Guest> {
    (0..count).map(|number| guest(number, today, random)).collect()
}

fn maybe<T>(random: &mut Sequence, some: impl FnOnce(&mut Sequence) -> T) -> Option<T> {
    if random.below(5) == 0 { None } else { Some(some(random)) }
}

fn pick(random: &mut Sequence, from: &[&str]) -> String {
    from[random.below(from.len() as u64) as usize].to_owned()
}

/// Each of them as a coin falls.
fn any_of(random: &mut Sequence, from: &[&str]) -> Vec<String> {
    from.iter().filter(|_| random.below(2) == 0).map(|one| (*one).to_owned()).collect()
}

fn number(random: &mut Sequence, least: i64, most: i64) -> i64 {
    least + random.below((most - least + 1) as u64) as i64
}

fn day_before(random: &mut Sequence, today: NaiveDate, days: u64) -> NaiveDate {
    today - Days::new(random.below(days))
}

const DAYPARTS: [&str; 5] = ["breakfast", "lunch", "afternoon", "dinner", "late"];
const LABELS: [&str; 7] = ["CHAMPION", "LOYAL", "POTENTIAL", "NEW", "AT_RISK", "LOST", "INACTIVE"];

fn guest(at: usize, today: NaiveDate, random: &mut Sequence) -> Guest {
    let leap = |year| NaiveDate::from_ymd_opt(year, 2, 29).expect("a leap day");
    let birth_date =
        maybe(
            random,
            |random| if random.below(8) == 0 { leap(1992) } else { day_before(random, today, 25_000) },
        );
    // Without the year it is as of 2000, which has every day.
    let year_unknown =
        if random.below(2) == 0 { None } else { leap(2000).checked_add_days(Days::new(random.below(300))) };
    Guest {
        number: at,
        total_orders: number(random, 0, 20),
        total_visits: number(random, 0, 15),
        total_spent: number(random, 0, 90_000),
        aov: maybe(random, |random| number(random, 500, 6000)),
        highest_order: maybe(random, |random| number(random, 1000, 9000)),
        first_order_day: maybe(random, |random| day_before(random, today, 500)),
        last_order_day: maybe(random, |random| day_before(random, today, 130)),
        avg_gap_days: maybe(random, |random| number(random, 100, 4000)),
        recency_score: maybe(random, |random| number(random, 1, 5)),
        frequency_score: maybe(random, |random| number(random, 1, 5)),
        monetary_score: maybe(random, |random| number(random, 1, 5)),
        label: maybe(random, |random| pick(random, &LABELS)),
        previous_label: maybe(random, |random| pick(random, &LABELS)),
        label_changed_day: maybe(random, |random| day_before(random, today, 200)),
        spend_percentile: maybe(random, |random| number(random, 0, 99)),
        name: maybe(random, |random| {
            pick(
                random,
                &[
                    "ana",
                    "Ana Maria",
                    "Ben",
                    "Cleo",
                    "O'Brien",
                    "100% Joe",
                    "a_b",
                    "axb",
                    "b\\c",
                    "漢字",
                    "ben\"",
                    "",
                ],
            )
        }),
        phone: maybe(random, |random| pick(random, &["+33155", "+33299", "0044123", "5"])),
        email: maybe(random, |random| pick(random, &["Ana@example.org", "ben@example.org", "x@example.com"])),
        birth_date,
        birthday: birth_date.or(year_unknown),
        created_day: day_before(random, today, 700),
        segments: maybe(random, |random| any_of(random, &["vip", "lunch_guests", "o'brien", "{}"])),
        random_bucket: number(random, 0, 99),
        kind: pick(random, &["guest", "registered", "wholesale"]),
        blocked: random.below(2) == 0,
        language: maybe(random, |random| pick(random, &["pt-BR", "en", "EN"])),
        city: maybe(random, |random| pick(random, &["Lyon", "são paulo"])),
        tags: any_of(random, &["VIP", "wine", "o'brien"]),
        consents: CHANNELS
            .iter()
            .filter_map(|channel| {
                maybe(random, |random| pick(random, &["GRANTED", "REVOKED", "PENDING", "EXPIRED"]))
                    .map(|state| ((*channel).to_owned(), state))
            })
            .collect(),
        reachable_on: any_of(random, &CHANNELS),
        allergens: any_of(random, &["milk", "nuts", "gluten"]),
        dietary: any_of(random, &["vegan", "halal", "low_sodium"]),
        favourites: any_of(random, &["Pizza", "wine", "o'brien"]),
        dislikes: any_of(random, &["Pizza", "wine", "o'brien"]),
        preferred_category: maybe(random, |random| pick(random, &["Food", "drinks"])),
        preferred_daypart: maybe(random, |random| pick(random, &DAYPARTS)),
        preferred_table: maybe(random, |random| pick(random, &["T1", "T2", "12"])),
        preferred_channel: maybe(random, |random| pick(random, &["Delivery", "pickup"])),
        preferred_payment_method: maybe(random, |random| pick(random, &["card", "cash"])),
        spend_trend: maybe(random, |random| pick(random, &["up", "down", "steady"])),
        orders: (0..random.below(7)).map(|n| order(at * 100 + n as usize, today, random)).collect(),
    }
}

fn order(number_of_order: usize, today: NaiveDate, random: &mut Sequence) -> Order {
    // Some lie ahead: a clock may be set back.
    let day = day_before(random, today + Days::new(10), 140);
    Order {
        number: number_of_order,
        total: number(random, 500, 6000),
        day,
        daypart: pick(random, &DAYPARTS),
        channel: maybe(random, |random| pick(random, &["Delivery", "pickup", "dine-in"])),
        table: maybe(random, |random| pick(random, &["T1", "T2", "12"])),
        payment_method: maybe(random, |random| pick(random, &["card", "cash"])),
        promo_code: maybe(random, |random| pick(random, &["Summer", "SUMMER10", "x"])),
        items: (0..random.below(4)).map(|_| item(random)).collect(),
    }
}

fn item(random: &mut Sequence) -> Item {
    Item {
        product: maybe(random, |random| pick(random, &["pizza", "Pasta", "wine"])),
        category: maybe(random, |random| pick(random, &["Food", "drinks"])),
        quantity: maybe(random, |random| number(random, 1, 4) * 1000 + 500 * number(random, 0, 1)),
        amount: maybe(random, |random| number(random, 200, 4000)),
    }
}
