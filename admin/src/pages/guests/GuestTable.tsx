import { Group, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { TagChip } from "../../parts/TagChip";
import { type Sort, useFilters } from "./filters";

type Guest = Schema["Guest"];
/** So many tags of a guest fit beside his label. */
const SHOWN = 2;
interface Rows {
  guests: Guest[];
  more: boolean;
  loadMore: () => void;
  selected: ReadonlySet<string>;
  select: (id: string, chosen: boolean) => void;
}

/** Only the rows in view are in the document, however many have been loaded. */
export function GuestTable({ guests, more, loadMore, selected, select }: Rows) {
  const { t } = useTranslation();
  const phone = useMediaQuery("(max-width: 36em)");
  const frame = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: guests.length,
    getScrollElement: () => frame.current,
    estimateSize: () => (phone ? 62 : 46),
    overscan: 12,
  });
  useEffect(() => rows.measure(), [phone, rows]);
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= guests.length - 100) loadMore();
  }, [more, last, guests.length, loadMore]);
  return (
    <div className="guests" ref={frame} role="table" aria-label={t("nav.guests")} aria-rowcount={more ? -1 : guests.length + 1} tabIndex={0} style={{ height: "calc(100dvh - 210px)", minHeight: 320 }}>
      <Head />
      <div className="body" role="rowgroup" style={{ height: rows.getTotalSize(), position: "relative" }}>
        {items.map((item) => {
          const guest = guests[item.index];
          if (!guest) return null;
          return <Row key={guest.customer_id} guest={guest} at={item.index} top={item.start} height={item.size} chosen={selected.has(guest.customer_id)} select={select} />;
        })}
      </div>
    </div>
  );
}

function Head() {
  const { t } = useTranslation();
  const { sort, write } = useFilters();
  const column = (field: "name" | "orders" | "visits" | "spend" | "last_visit", name: string, hidden = "") => {
    const active = sort.replace("-", "") === field;
    const falling = sort === `-${field}`;
    const next: Sort = active ? (falling ? field : `-${field}`) : field === "name" ? "name" : `-${field}`;
    const Arrow = falling ? IconArrowDown : IconArrowUp;
    return (
      <div role="columnheader" aria-sort={active ? (falling ? "descending" : "ascending") : "none"} className={`${field === "name" ? "" : "number"} ${hidden}`}>
        <UnstyledButton fz="inherit" fw="inherit" onClick={() => write({ sort: next })}>
          <Group gap={2} wrap="nowrap">{name}{active && <Arrow size={14} aria-hidden />}</Group>
        </UnstyledButton>
      </div>
    );
  };
  return (
    <div className="row head" role="row" aria-rowindex={1}>
      <div role="columnheader" aria-label={t("guests.chosen")} />
      {column("name", t("guests.name"))}
      <div role="columnheader" className="small">{t("guests.label")}</div>
      <div role="columnheader" className="wide">{t("guests.tags")}</div>
      {column("visits", t("guests.visits"), "wide")}
      {column("orders", t("guests.orders"), "small")}
      {column("spend", t("guests.spend"), "small")}
      <div role="columnheader" className="number wide">{t("guests.average")}</div>
      {column("last_visit", t("guests.lastVisit"), "small")}
    </div>
  );
}

interface Place { guest: Guest; at: number; top: number; height: number; chosen: boolean; select: Rows["select"] }

/** Plain elements, drawn once however often the list moves. */
const Row = memo(function Row({ guest, at, top, height, chosen, select }: Place) {
  const { t } = useTranslation();
  const format = useFormat();
  const spent = guest.total_spent;
  const average = spent && guest.total_orders ? String(Number(spent) / guest.total_orders) : null;
  const name = guest.name ?? t("guest.unnamed");
  const tags = guest.tags.map((tag) => tag.name).join(", ");
  return (
    <div className="row" role="row" aria-rowindex={at + 2} style={{ height, transform: `translateY(${top}px)` }}>
      <div role="cell"><input type="checkbox" aria-label={t("guests.choose", { name })} checked={chosen} onChange={(event) => select(guest.customer_id, event.currentTarget.checked)} /></div>
      <div role="cell" className="who">
        <div><Link to={`/guests/${guest.customer_id}`}>{name}</Link></div>
        <div>{guest.phone ?? guest.email ?? guest.ref}{tags && <span className="narrow"> · {tags}</span>}</div>
      </div>
      <div role="cell"><LabelBadge label={guest.label} plain /></div>
      <div role="cell" className="tags wide" title={tags || undefined}>
        {guest.tags.slice(0, SHOWN).map((tag) => <TagChip key={tag.name} {...tag} />)}
        {guest.tags.length > SHOWN && <span className="tag">+{guest.tags.length - SHOWN}</span>}
      </div>
      <div role="cell" className="number wide">{format.number(guest.total_visits)}</div>
      <div role="cell" className="number small">{format.number(guest.total_orders)}</div>
      <div role="cell" className="number small">{format.money(spent, guest.currency)}</div>
      <div role="cell" className="number wide">{format.money(average, guest.currency)}</div>
      <div role="cell" className="number small">{format.dayOf(guest.last_order_at)}</div>
    </div>
  );
});
