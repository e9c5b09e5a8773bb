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

/** The list as filtered, or the members of the one segment that is filtered by, as a CSV file. */
export function useExport() {
  const { venue } = useVenue();
  const { failed } = useToasts();
  return useMutation({
    async mutationFn({ segment, label, tag: _, ...filters }: Filters) {
      const { label: __, tag: ___, segment: ____, ...rest } = asQuery(filters);
      const body = segment
        ? { segment: Number(segment) }
        : { filter: { ...rest, venue: venue?.venue_id, ...(label && { labels: label.split(",") }) } };
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
