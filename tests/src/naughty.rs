//! Texts that break programs: quoting, formats, numbers, Unicode, patterns, paths and JSON.

/// What SQL or a format would take apart, and what is left of a canary if anybody executes it.
pub const INJECTIONS: &[&str] = &[
    "'; DROP TABLE public.canary; --",
    "\"; DROP TABLE public.canary; --",
    "'); DELETE FROM public.canary; SELECT ('",
    "$$; DROP TABLE public.canary; $$",
    "$1; DROP TABLE public.canary",
    "\\'; DROP TABLE public.canary; --",
    "x' OR '1'='1",
    "x' UNION SELECT version() --",
    "/* */ -- ; \\q",
    "%s %I %L %1$s %",
    "{0} ${7*7} {{7*7}} #{1}",
    "\\",
    "\\x27\\u0027",
    "'",
    "''",
    "\"",
    "`id`",
    "pg_sleep(5)",
    "crm.customer",
    "pg_catalog.pg_authid",
];

/// What looks like another type, or like nothing.
pub const VALUES: &[&str] = &[
    "",
    " ",
    "\t\n\r",
    "null",
    "NULL",
    "undefined",
    "true",
    "0",
    "-1",
    "-0",
    "1e309",
    "NaN",
    "Infinity",
    "-Infinity",
    "99999999999999999999999999",
    "0x7fffffff",
    "2147483648",
    "-9223372036854775809",
    "1,000.5",
    "2025-02-30",
    "0000-00-00",
    "infinity",
    "294277-01-01",
    "4714-11-24 BC",
    "24:00:00",
    "P1Y2M",
    "00000000-0000-0000-0000-000000000000",
    "550E8400-E29B-41D4-A716-446655440000",
    "{a,b",
    "{\"a\":1",
    "[1,2",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "a@b@c",
    "%00%0a%2e%2e",
    "((((a+)+)+)+)+$",
    "%_%_%\\",
    "[[:<:]]",
    "a:* & !b | <->",
];

/// What is more than ASCII.
pub const UNICODE: &[&str] = &[
    "\u{1}\u{7f}\u{1b}[31m",
    "\u{feff}x",
    "\u{200b}\u{200d}\u{2060}",
    "\u{202e}evil\u{202c}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "İıſẞß",
    "Ａｎａ",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u{10ffff}\u{fffe}\u{ffff}",
    "田中さんにあげて下さい",
    "مرحبا ١٢٣",
    "\u{fdfa}\u{fdfa}",
];

/// All texts, and long ones.
pub fn texts() -> Vec<String> {
    let mut all: Vec<String> =
        [INJECTIONS, VALUES, UNICODE].concat().into_iter().map(str::to_owned).collect();
    all.push("a".repeat(70_000));
    all.push("'".repeat(5_000));
    all.push("\u{1f355}".repeat(5_000));
    all.push("a b ".repeat(5_000));
    all
}

/// Documents that parsers of JSON take, refuse or fall over.
pub fn documents() -> Vec<String> {
    let mut all: Vec<String> = [
        "",
        " ",
        "null",
        "true",
        "0",
        "\"text\"",
        "[]",
        "{}",
        "[null]",
        "{\"\":null}",
        "{\"a\":1,\"a\":2}",
        "{\"where\":{},\"where\":{\"all\":[]}}",
        "{\"__proto__\":{\"admin\":true}}",
        "1e400",
        "-1e-400",
        "123456789012345678901234567890.123456789",
        "00",
        "-",
        "+1",
        ".5",
        "1.",
        "NaN",
        "Infinity",
        "'text'",
        "{a:1}",
        "[1,]",
        "{\"a\":1,}",
        "[1 2]",
        "{\"a\" 1}",
        "// comment\n{}",
        "\u{feff}{}",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "\"\\x\"",
        "\"\t\"",
        "\"unfinished",
        "[",
        "{\"a\":",
        "{}{}",
        "{\"v\":1,\"where\":null}",
        "{\"v\":1e0,\"where\":{\"all\":[]}}",
    ]
    .iter()
    .map(|&text| text.to_owned())
    .collect();
    for depth in [100, 20_000] {
        all.push(format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        all.push(format!("{}1{}", "{\"all\":".repeat(depth), "}".repeat(depth)));
        all.push(format!(
            "{{\"v\":1,\"where\":{}{{\"all\":[]}}{}}}",
            "{\"not\":".repeat(depth),
            "}".repeat(depth)
        ));
    }
    all.push(format!("[{}1]", "1,".repeat(20_000)));
    all.push(format!("1{}", "0".repeat(5_000)));
    all.push(format!("{{\"{}\":1}}", "k".repeat(50_000)));
    all
}
