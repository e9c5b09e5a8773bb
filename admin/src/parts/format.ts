import { useTranslation } from "react-i18next";
import { useVenue } from "../shell/venue";

/** Numbers, money and days as the reader's language writes them, in the venue's currency and time zone. */
export function useFormat() {
  const { i18n } = useTranslation();
  const { venue } = useVenue();
  const language = localeOf(i18n.language);
  return formatsOf(language, venue?.currency, venue?.timezone);
}

const made = new Map<string, ReturnType<typeof formats>>();

/** The same for every row of a list, made once. */
function formatsOf(language: string, currency: string | undefined, timeZone: string | undefined) {
  const key = [language, currency, timeZone].join();
  let kept = made.get(key);
  if (!kept) made.set(key, (kept = formats(language, currency, timeZone)));
  return kept;
}

/** The reader's own region of the language, which says how days are written. */
const localeOf = (language: string) => navigator.languages.find((name) => name.slice(0, 2) === language) ?? language;

const NOTHING = "–";
type Maybe<T> = T | null | undefined;

function formats(language: string, currency: string | undefined, timeZone: string | undefined) {
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const signed = new Intl.NumberFormat(language, { signDisplay: "exceptZero" });
  const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  const change = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" });
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone });
  const plainDay = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  const short = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone });
  const names = new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  const month = new Intl.DateTimeFormat(language, { month: "short", year: "2-digit", timeZone: "UTC" });
  // To make one takes longer than to draw a row.
  const amounts = new Map<string, Intl.NumberFormat>();
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  return {
    number: (value: Maybe<number>) => (value == null ? NOTHING : number.format(value)),
    /** More or fewer: "+3", "−2". */
    signed: (value: Maybe<number>) => (value == null ? NOTHING : signed.format(value)),
    percent: (value: Maybe<number>) => (value == null ? NOTHING : share.format(value)),
    change: (value: Maybe<number>) => (value == null ? NOTHING : change.format(value)),
    /** A decimal string of the service. */
    money: (value: Maybe<string>, of: Maybe<string> = currency, whole = false) => {
      if (value == null) return NOTHING;
      if (!of) return number.format(Number(value));
      const kept = `${of}${whole}`;
      let amount = amounts.get(kept);
      if (!amount) amounts.set(kept, (amount = new Intl.NumberFormat(language, { style: "currency", currency: of, ...(whole && { maximumFractionDigits: 0 }) })));
      return amount.format(Number(value));
    },
    /** The day of a point in time, in the venue's time zone. */
    dayOf: (at: Maybe<string>) => (at ? day.format(new Date(at)) : NOTHING),
    /** A calendar day, which has no time zone. */
    day: (date: Maybe<string>) => (date ? plainDay.format(new Date(`${date}T00:00:00Z`)) : NOTHING),
    shortDay: (date: string) => short.format(new Date(`${date}T00:00:00Z`)),
    weekday: (date: Maybe<string>) => (date ? names.format(new Date(`${date}T00:00:00Z`)) : NOTHING),
    month: (date: string) => month.format(new Date(`${date.slice(0, 7)}-01T00:00:00Z`)),
    moment: (at: Maybe<string>) => (at ? moment.format(new Date(at)) : NOTHING),
    /** "3 days ago": whole days as the service counts them. */
    daysAgo: (days: Maybe<number>) => (days == null ? NOTHING : relative.format(-days, "day")),
    /** "5 minutes ago" */
    since: (at: Maybe<string>) => {
      if (!at) return NOTHING;
      const seconds = Math.round((new Date(at).getTime() - Date.now()) / 1000);
      const [step, unit] = STEPS.find(([size]) => Math.abs(seconds) >= size) ?? [1, "second" as const];
      return relative.format(Math.round(seconds / step), unit);
    },
  };
}

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [[86_400, "day"], [3_600, "hour"], [60, "minute"]];

/** Today as a calendar day of the venue. */
export function today(timeZone: string | undefined) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone }).format(new Date());
}

export function addDays(date: string, days: number) {
  const moved = new Date(`${date}T00:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved.toISOString().slice(0, 10);
}

/** The instant at which a calendar day ends in a time zone; found from what its clocks show, as days can have 23 or 25 hours. */
export function endOfDay(date: string, timeZone: string | undefined) {
  const next = Date.parse(`${addDays(date, 1)}T00:00:00Z`);
  const shown = (at: number) => Date.parse(`${new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" }).format(at).replace(" ", "T")}Z`);
  const first = next - (shown(next) - next);
  return new Date(first - (shown(first) - next)).toISOString();
}
