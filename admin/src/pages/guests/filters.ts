import { useMemo } from "react";
import { useSearchParams } from "react-router";

/** The filters of the list, as the service names them; they live in the address, so a link is a saved view. */
export const FILTERS = [
  "search", "label", "spend_from", "spend_to", "orders_from", "orders_to", "visits_from", "visits_to",
  "last_visit_from", "last_visit_to", "tag", "segment", "category", "reachable",
] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Partial<Record<Filter, string>>;

export const SORTS = ["name", "orders", "visits", "spend", "last_visit"] as const;
export type Sort = (typeof SORTS)[number] | `-${(typeof SORTS)[number]}`;
const isSort = (text: string | null): text is Sort => SORTS.includes((text ?? "").replace(/^-/, "") as (typeof SORTS)[number]);

export function useFilters() {
  const [address, setAddress] = useSearchParams();
  const text = address.toString();
  const filters = useMemo(() => {
    const given = new URLSearchParams(text);
    return Object.fromEntries(FILTERS.flatMap((name) => (given.get(name) ? [[name, given.get(name)]] : []))) as Filters;
  }, [text]);
  const sort = address.get("sort");
  const write = (changes: Partial<Record<Filter | "sort", string | undefined>>) =>
    setAddress((before) => {
      for (const [name, value] of Object.entries(changes)) {
        if (value) before.set(name, value);
        else before.delete(name);
      }
      return before;
    }, { replace: true });
  return {
    filters,
    sort: isSort(sort) ? sort : ("-last_visit" as Sort),
    write,
    clear: () => write(Object.fromEntries(FILTERS.map((name) => [name, undefined]))),
    count: Object.keys(filters).filter((name) => name !== "search").length,
  };
}

/** The same filters for the list's request. */
export function asQuery(filters: Filters) {
  const whole = (name: Filter) => (filters[name] === undefined ? undefined : Number(filters[name]));
  return {
    search: filters.search,
    label: filters.label,
    spend_from: filters.spend_from,
    spend_to: filters.spend_to,
    orders_from: whole("orders_from"),
    orders_to: whole("orders_to"),
    visits_from: whole("visits_from"),
    visits_to: whole("visits_to"),
    last_visit_from: filters.last_visit_from,
    last_visit_to: filters.last_visit_to,
    tag: filters.tag,
    segment: whole("segment"),
    category: filters.category,
    reachable: filters.reachable,
  };
}
