import { useTranslation } from "react-i18next";
import type { Schema } from "../../api/client";
import { useFormat } from "../../parts/format";

type Details = Record<string, string | undefined>;

/** What happened to a guest, put together from its parts in the reader's language. */
export function useMoments() {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const word = (place: string, name: string | undefined) => (name && i18n.exists(`${place}.${name}`) ? t(`${place}.${name}` as "moment.order") : (name ?? ""));
  const label = (name: string | undefined) => word("label", name && `${name}.name`);
  return {
    kind: (kind: string) => word("moment", kind),
    of({ kind, summary, details }: Schema["Event"]): string {
      const said = summary ?? "";
      const of = (details ?? {}) as Details;
      switch (kind) {
        case "order":
          return [format.money(of.total, of.currency), of.table && `${t("moment.table")} ${of.table}`, of.channel, of.payment_method].filter(Boolean).join(", ");
        case "label":
          return [of.from, of.to].filter(Boolean).map(label).join(" → ");
        case "segment":
          // The name of the segment stands in the summary alone, behind one word.
          return `${t(of.event === "entered" ? "segments.event.entered" : "segments.event.exited")}: ${said.slice(said.indexOf(" ") + 1)}`;
        case "profile":
          return [of.field?.startsWith("contact.") ? word("guest.contactKind", of.field.slice("contact.".length)) : word("moment.field", of.field), [of.from, of.to].filter((value) => value !== undefined).join(" → ")].filter(Boolean).join(": ");
        case "consent":
          return `${word("privacy.channel", of.channel)}: ${word("privacy.state", of.action)}`;
        default:
          return said;
      }
    },
  };
}
