import { Button, NativeSelect, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { Mark } from "../../parts/Mark";
import { Card, Failure, Lines } from "../../parts/states";

const markOf = (outcome: string | null | undefined) => (outcome === "rejected" ? "bad" : outcome === "matched" || outcome === "duplicate" ? "busy" : outcome === "new" || outcome === "created" ? "good" : "plain");

/** What becomes of each row: whom it meets, and why one is left out. */
export function Rows({ status, outcomes, named }: { status: Schema["Import"]; outcomes: string[]; named: (outcome: string) => string }) {
  const { t } = useTranslation();
  const [outcome, setOutcome] = useState("");
  const id = status.import_id;
  const query = useInfiniteQuery({
    queryKey: ["import", id, "rows", outcome, status.state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) => data(api.GET("/v1/imports/{import}/rows", { params: { path: { import: id }, query: { outcome: outcome || undefined, cursor: pageParam, limit: 50 } }, signal })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = query.data?.pages.flatMap((page) => page.items);
  return (
    <Card
      title={t("imports.rowsTitle")}
      aside={<NativeSelect size="xs" aria-label={t("imports.outcomeName")} value={outcome} onChange={(event) => setOutcome(event.currentTarget.value)} data={[{ value: "", label: t("imports.anyOutcome") }, ...outcomes.map((value) => ({ value, label: named(value) }))]} />}
    >
      {query.isError ? <Failure error={query.error} retry={() => void query.refetch()} /> : !rows ? <Lines /> : (
        <div className="scrolls" tabIndex={0}>
          <table className="plain">
            <thead><tr><th scope="col" className="number">{t("imports.line")}</th><th scope="col">{t("imports.outcomeName")}</th><th scope="col">{t("guests.name")}</th><th scope="col">{t("imports.why")}</th></tr></thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.row_no}>
                  <td className="number">{row.line}</td>
                  <td><Mark as={markOf(row.outcome)}>{row.outcome ? named(row.outcome) : "–"}</Mark></td>
                  <td>{row.customer_id ? <Link to={`/guests/${row.customer_id}`}>{row.cells.filter(Boolean).slice(0, 2).join(", ")}</Link> : row.cells.filter(Boolean).slice(0, 2).join(", ")}</td>
                  <td><Text size="sm" className="breaks">{row.reason}</Text></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {query.hasNextPage && <Button mt="sm" size="xs" variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("state.more")}</Button>}
    </Card>
  );
}
