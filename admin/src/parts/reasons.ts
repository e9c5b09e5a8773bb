import { useTranslation } from "react-i18next";
import type { Schema } from "../api/client";
import { useFormat } from "./format";

/** Sentences of the service, put together from its parts in the reader's language. */
export function useReasons() {
  const { t } = useTranslation();
  const format = useFormat();
  const visits = (count: number) => t("guest.visitCount", { count, n: format.number(count) });
  return {
    visits,
    /** Why a guest has his label at a venue. */
    label(why: Schema["Explanation"]): string {
      if (!why.profiled) return t("why.objects");
      if (why.total_orders === 0) return t("why.noOrder");
      const who = t(why.regular ? "why.regular" : "why.noRegular", { visits: visits(why.total_visits) });
      const since = format.daysAgo(why.recency.days);
      const [r, f, m] = [why.recency.score, why.frequency.score, why.monetary.score];
      const limit = why.limit_days;
      switch (why.label) {
        case "LOST": case "AT_RISK": case "INACTIVE": return `${who}, ${t("why.away", { since, limit, label: t(`label.${why.label}.name`) })}`;
        case "CHAMPION": return [who, t("why.champion", { r, f, m }), ...(why.above_median_regular ? [t("why.aboveMedian")] : [])].join(", ");
        case "LOYAL": return `${who}, ${t("why.loyal", { f, m })}`;
        case "NEW": return `${who}, ${t("why.new", { limit })}`;
        default: return `${who}, ${t("why.other", { since })}`;
      }
    },
    /** A guest at a venue in a line: how often, when last, what he was before. */
    at(at: Schema["VenueStats"]): string {
      if (at.total_orders === 0) return `${at.venue_name}: ${t("why.noOrder")}`;
      const line = t("guest.at", { venue: at.venue_name, visits: visits(at.total_visits), since: format.daysAgo(at.days_since_last_order) });
      return at.previous_label ? `${line}; ${t("guest.was", { label: t(`label.${at.previous_label}.name`) })}` : line;
    },
  };
}
