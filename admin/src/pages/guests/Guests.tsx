import { ActionIcon, Button, Group, Paper, Text, Tooltip } from "@mantine/core";
import { IconCopyCheck, IconDownload, IconLink, IconUserPlus, IconUsers } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "../../api/client";
import { useExport } from "../../parts/download";
import { Page } from "../../parts/Page";
import { Empty, Failure, Lines } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { useMay } from "../../shell/session";
import { useVenue } from "../../shell/venue";
import { asQuery, type Filters, type Sort, useFilters } from "./filters";
import { FilterBar } from "./FilterBar";
import { GuestTable } from "./GuestTable";
import { NewGuest } from "./NewGuest";
import { SegmentGuests } from "./SegmentGuests";
import { TagGuests } from "./TagGuests";

function useGuests(venue: string | undefined, filters: Filters, sort: Sort) {
  return useInfiniteQuery({
    queryKey: ["guests", venue, filters, sort],
    enabled: venue !== undefined,
    initialPageParam: undefined as string | undefined,
    placeholderData: keepPreviousData,
    // It would compare all pages at each new one.
    structuralSharing: false,
    queryFn: ({ pageParam, signal }) =>
      data(api.GET("/v1/customers", { params: { query: { ...asQuery(filters), venue, sort, limit: 200, cursor: pageParam } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export default function Guests() {
  const { t } = useTranslation();
  const { venue } = useVenue();
  const { filters, sort } = useFilters();
  const manages = useMay("manager");
  const query = useGuests(venue?.venue_id, filters, sort);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = query;
  const guests = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);

  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setSelected(new Set()), [venue?.venue_id, filters]);
  const select = useCallback((id: string, chosen: boolean) =>
    setSelected((before) => {
      const after = new Set(before);
      if (chosen) after.add(id);
      else after.delete(id);
      return after;
    }), []);
  return (
    <Page title={t("nav.guests")} actions={<Actions filters={filters} />}>
      <FilterBar />
      {selected.size > 0 && (
        <Paper p="xs" role="status">
          <Group justify="space-between">
            <Text size="sm">{t("guests.selected", { count: selected.size })}</Text>
            <Group gap="xs">
              <TagGuests guests={[...selected]} done={() => setSelected(new Set())} />
              {manages && <SegmentGuests guests={[...selected]} done={() => setSelected(new Set())} />}
              <Button size="xs" variant="subtle" onClick={() => setSelected(new Set())}>{t("guests.unselect")}</Button>
            </Group>
          </Group>
        </Paper>
      )}
      {query.isError ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : query.isPending ? (
        <Lines count={12} height={28} />
      ) : guests.length === 0 ? (
        <Paper>{Object.keys(filters).length === 0 ? <Empty title={t("today.empty")} icon={<IconUsers aria-hidden />}><Link to="/imports">{t("imports.drop")}</Link></Empty> : <Empty title={t("guests.none")} icon={<IconUsers aria-hidden />}>{t("guests.noneHint")}</Empty>}</Paper>
      ) : (
        <GuestTable guests={guests} more={hasNextPage} loadMore={loadMore} selected={selected} select={select} />
      )}
    </Page>
  );
}

function Actions({ filters }: { filters: Filters }) {
  const { t } = useTranslation();
  const [making, setMaking] = useState(false);
  const exporting = useExport();
  const manages = useMay("manager");
  return (
    <>
      <Button variant="default" leftSection={<IconUserPlus size={16} />} onClick={() => setMaking(true)}>{t("guests.add")}</Button>
      {manages && (
        <Button variant="default" leftSection={<IconDownload size={16} />} loading={exporting.isPending} onClick={() => exporting.mutate(filters)}>
          {t("guests.export")}
        </Button>
      )}
      {manages && <Button variant="default" component={Link} to="/guests/duplicates" leftSection={<IconCopyCheck size={16} />}>{t("duplicates.title")}</Button>}
      <ShareView />
      <NewGuest opened={making} close={() => setMaking(false)} />
    </>
  );
}

/** The address has filters and order already; another reader may have chosen another venue. */
function ShareView() {
  const { t } = useTranslation();
  const { venue } = useVenue();
  const toasts = useToasts();
  const share = async () => {
    const address = new URL(location.href);
    if (venue) address.searchParams.set("venue", venue.ref);
    try {
      await navigator.clipboard.writeText(address.href);
      toasts.done(t("guests.shared"));
    } catch (refused) {
      toasts.failed(refused);
    }
  };
  return <Tooltip label={t("guests.share")}><ActionIcon variant="default" size={36} aria-label={t("guests.share")} onClick={() => void share()}><IconLink size={16} /></ActionIcon></Tooltip>;
}
