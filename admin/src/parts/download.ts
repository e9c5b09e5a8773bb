import { useMutation } from "@tanstack/react-query";
import { Refusal } from "../api/refusal";
import { asQuery, type Filters } from "../pages/guests/filters";
import { useVenue } from "../shell/venue";
import { useToasts } from "./toasts";

export function saveAs(content: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // Some browsers read the address only after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** As CSV; a cell that a spreadsheet would compute gets an apostrophe in front, phones but for their plus sign too. */
export function csv<Row>(fields: readonly (keyof Row & string)[], rows: Row[]) {
  const cell = (value: unknown) => `"${String(value ?? "").replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const lines = [fields.join(","), ...rows.map((row) => fields.map((field) => cell(row[field])).join(","))];
  return new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" });
}

/** The list as filtered, or all members of a segment that is alone filtered by, as a CSV file. */
export function useExport() {
  const { venue } = useVenue();
  const { failed } = useToasts();
  return useMutation({
    async mutationFn({ segment, label, tag, ...filters }: Filters) {
      const { label: _, tag: __, segment: ___, ...rest } = asQuery(filters);
      const ofSegmentAlone = segment && !label && !tag && !Object.values(filters).some(Boolean);
      const body = ofSegmentAlone
        ? { segment: Number(segment) }
        : {
            filter: {
              ...rest,
              venue: venue?.venue_id,
              ...(label && { labels: label.split(",") }),
              ...(tag && { tags: tag.split(",") }),
              ...(segment && { segment: Number(segment) }),
            },
          };
      const response = await fetch("/v1/exports", {
        method: "POST",
        headers: { "content-type": "application/json", "X-CRM-CSRF": "1", accept: "text/csv" },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw await Refusal.of(response);
      saveAs(await response.blob(), `guests-${new Date().toISOString().slice(0, 10)}.csv`);
    },
    onError: failed,
  });
}
