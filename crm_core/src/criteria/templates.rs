//! Segments to start from: the six that follow the labels, and what restaurants ask for.

/// A segment to start from.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Its stable key.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its criteria.
    pub document: &'static str,
}

/// The segments every venue has: one for each label but INACTIVE, which is what is left.
pub const SYSTEM: [Template; 6] = [
    Template {
        key: "champion",
        name: "Champions",
        document: r#"{"v":1,"where":{"field":"label","op":"eq","value":"CHAMPION"}}"#,
    },
    Template {
        key: "loyal",
        name: "Loyal guests",
        document: r#"{"v":1,"where":{"field":"label","op":"eq","value":"LOYAL"}}"#,
    },
    Template {
        key: "potential",
        name: "Potential",
        document: r#"{"v":1,"where":{"field":"label","op":"eq","value":"POTENTIAL"}}"#,
    },
    Template {
        key: "new",
        name: "New guests",
        document: r#"{"v":1,"where":{"field":"label","op":"eq","value":"NEW"}}"#,
    },
    Template {
        key: "at_risk",
        name: "At risk",
        document: r#"{"v":1,"where":{"field":"label","op":"eq","value":"AT_RISK"}}"#,
    },
    Template {
        key: "lost",
        name: "Lost",
        document: r#"{"v":1,"where":{"field":"label","op":"eq","value":"LOST"}}"#,
    },
];

/// Segments offered as a start. Habits are two orders of a kind within three months.
pub const OFFERED: [Template; 14] = [
    Template {
        key: "vip",
        name: "VIP: the top tenth by spend",
        document: r#"{"v":1,"where":{"field":"spend_percentile","op":"gte","value":90}}"#,
    },
    Template {
        key: "regulars",
        name: "Regulars: two orders or more in the last month",
        document: r#"{"v":1,"where":{"field":"orders","op":"count_gte","value":2,"within":{"last":"1mo"}}}"#,
    },
    Template {
        key: "new_30_days",
        name: "First order in the last 30 days",
        document: r#"{"v":1,"where":{"field":"first_order_at","op":"within_last","value":"30d"}}"#,
    },
    Template {
        key: "inactive_30_days",
        name: "No order for 30 days",
        document: r#"{"v":1,"where":{"field":"days_since_last_order","op":"gte","value":30}}"#,
    },
    Template {
        key: "inactive_60_days",
        name: "No order for 60 days",
        document: r#"{"v":1,"where":{"field":"days_since_last_order","op":"gte","value":60}}"#,
    },
    Template {
        key: "high_spenders",
        name: "High spenders: average order above 50",
        document: r#"{"v":1,"where":{"field":"aov","op":"gt","value":"50.00"}}"#,
    },
    Template {
        key: "early_birds",
        name: "Early birds: breakfast guests",
        document: r#"{"v":1,"where":{"field":"orders","op":"count_gte","value":2,"within":{"last":"3mo"},"where":{"field":"daypart","op":"eq","value":"breakfast"}}}"#,
    },
    Template {
        key: "lunch_guests",
        name: "Lunch guests",
        document: r#"{"v":1,"where":{"field":"orders","op":"count_gte","value":2,"within":{"last":"3mo"},"where":{"field":"daypart","op":"eq","value":"lunch"}}}"#,
    },
    Template {
        key: "dinner_guests",
        name: "Dinner guests",
        document: r#"{"v":1,"where":{"field":"orders","op":"count_gte","value":2,"within":{"last":"3mo"},"where":{"field":"daypart","op":"eq","value":"dinner"}}}"#,
    },
    Template {
        key: "late_night_guests",
        name: "Late night guests",
        document: r#"{"v":1,"where":{"field":"orders","op":"count_gte","value":2,"within":{"last":"3mo"},"where":{"field":"daypart","op":"eq","value":"late"}}}"#,
    },
    Template {
        key: "weekend_guests",
        name: "Weekend guests",
        document: r#"{"v":1,"where":{"field":"orders","op":"count_gte","value":2,"within":{"last":"3mo"},"where":{"field":"weekday","op":"in","value":["saturday","sunday"]}}}"#,
    },
    Template {
        key: "weekday_guests",
        name: "Weekday guests",
        document: r#"{"v":1,"where":{"field":"orders","op":"count_gte","value":2,"within":{"last":"3mo"},"where":{"field":"weekday","op":"not_in","value":["saturday","sunday"]}}}"#,
    },
    Template {
        key: "birthday_soon",
        name: "Birthday within a week",
        document: r#"{"v":1,"where":{"field":"birth_date","op":"anniversary_within_next","value":"7d"}}"#,
    },
    Template {
        key: "email_subscribers",
        name: "E-mail subscribers",
        document: r#"{"v":1,"where":{"field":"reachable.email_marketing","op":"is","value":true}}"#,
    },
];
