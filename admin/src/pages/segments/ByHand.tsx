import { Button, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Empty, Loaded } from "../../parts/states";
import { useToasts } from "../../parts/toasts";

/** Guests who are in a segment, or kept out of it, whatever the criteria say. */
export function ByHand({ id }: { id: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const toasts = useToasts();
  const query = useQuery({ queryKey: ["segment", id, "overrides"], queryFn: async ({ signal }) => (await data(api.GET("/v1/segments/{segment}/overrides", { params: { path: { segment: id } }, signal }))).items });
  const onSettled = () => queries.invalidateQueries({ queryKey: ["segment", id] });
  const put = useMutation({ mutationFn: (one: Schema["Override"]) => api.PUT("/v1/segments/{segment}/overrides/{id}", { params: { path: { segment: id, id: one.customer_id } }, body: { included: one.included, reason: one.reason } }), onError: toasts.failed, onSettled });
  const clear = useMutation({
    mutationFn: (one: Schema["Override"]) => api.DELETE("/v1/segments/{segment}/overrides/{id}", { params: { path: { segment: id, id: one.customer_id } } }),
    onSuccess: (_, one) => toasts.done(t("segments.leaveToCriteria"), () => put.mutate(one)),
    onError: toasts.failed,
    onSettled,
  });
  return (
    <Loaded query={query}>
      {(all) => all.length === 0 ? <Empty title={t("segments.noneByHand")} /> : (
        <div className="scrolls" tabIndex={0}>
          <table className="plain">
            <tbody>
              {all.map((one) => (
                <tr key={one.customer_id}>
                  <td><Link to={`/guests/${one.customer_id}`}>{one.name ?? t("guest.unnamed")}</Link></td>
                  <td><Mark as={one.included ? "good" : "bad"}>{t(one.included ? "guests.putIn" : "guests.keepOut")}</Mark></td>
                  <td className="breaks">{one.reason} <Text span size="xs" c="dimmed">{[one.set_by, format.dayOf(one.set_at)].filter(Boolean).join(", ")}</Text></td>
                  <td className="number"><Button size="compact-xs" variant="default" onClick={() => clear.mutate(one)}>{t("segments.leaveToCriteria")}</Button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Loaded>
  );
}
