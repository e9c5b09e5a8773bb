import { Button, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { REFRESH_LOGGED_MS } from "../../api/queries";
import { useFormat } from "../../parts/format";
import { Empty, Failure, Lines } from "../../parts/states";
import { useVenue } from "../../shell/venue";
import { useMoments } from "./moments";

export const useTimeline = (id: string) =>
  useInfiniteQuery({
    queryKey: ["guest", id, "timeline"],
    refetchInterval: REFRESH_LOGGED_MS,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => data(api.GET("/v1/customers/{id}/timeline", { params: { path: { id }, query: { cursor: pageParam, limit: 200 } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** What happened with a guest, latest first; or only one kind of it. */
export function Timeline({ id, only }: { id: string; only?: string }) {
  const { t } = useTranslation();
  const say = useMoments();
  const format = useFormat();
  const { venues } = useVenue();
  const query = useTimeline(id);
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Lines count={6} />;
  const moments = query.data.pages.flatMap((page) => page.items).filter((moment) => !only || moment.kind === only);
  return (
    <>
      {moments.length === 0 && <Empty title={t("guest.nothingYet")} />}
      <ul className="moments">
        {moments.map((moment, n) => (
          <li key={n}>
            <Text size="sm" c="dimmed" className="tabular" title={format.moment(moment.at)}>{format.dayOf(moment.at)}</Text>
            <div>
              {!only && <Text component="span" size="sm" fw={600}>{say.kind(moment.kind)}: </Text>}
              <span className="breaks tabular">{say.of(moment)}</span>
              {venues.length > 1 && moment.venue_id && <Text size="xs" c="dimmed">{venues.find((venue) => venue.venue_id === moment.venue_id)?.name}</Text>}
            </div>
          </li>
        ))}
      </ul>
      {query.hasNextPage && <Button mt="sm" variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("state.more")}</Button>}
    </>
  );
}
