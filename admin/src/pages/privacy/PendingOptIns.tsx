import { Button, Group, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Card, Empty, Loaded } from "../../parts/states";
import { useToasts } from "../../parts/toasts";
import { useVenue } from "../../shell/venue";

/** Whose confirmation by e-mail is being waited for. */
export function PendingOptIns() {
  const { t } = useTranslation();
  const format = useFormat();
  const { venues } = useVenue();
  const toasts = useToasts();
  const queries = useQueryClient();
  const waiting = useQuery({ queryKey: ["opt-ins"], queryFn: async ({ signal }) => (await data(api.GET("/v1/opt-ins", { signal }))).items });
  const resend = useMutation({
    mutationFn: ({ id, venue }: { id: string; venue: string | null }) => api.POST("/v1/customers/{id}/opt-in/resend", { params: { path: { id } }, body: { venue } }),
    onSuccess: () => toasts.done(t("privacy.resent")),
    onError: toasts.failed,
    onSettled: () => queries.invalidateQueries({ queryKey: ["opt-ins"] }),
  });
  return (
    <Card title={t("privacy.pending")}>
      <Loaded query={waiting}>
        {(all) => all.length === 0 ? <Empty title={t("privacy.noPending")} /> : (
          <ul className="moments">
            {all.map((one) => (
              <li key={`${one.customer_id}${one.venue_id}${one.channel}`}>
                <Text size="sm" c="dimmed">{format.dayOf(one.requested_at)}</Text>
                <Group justify="space-between" gap="xs">
                  <div>
                    <Text size="sm"><Link to={`/guests/${one.customer_id}?tab=privacy`}>{one.name ?? t("guest.unnamed")}</Link> {t(`privacy.channel.${one.channel}`)}</Text>
                    <Text size="xs" c="dimmed">
                      {[one.venue_id ? venues.find((venue) => venue.venue_id === one.venue_id)?.name : t("segments.organisation"), t("privacy.sent", { count: one.sends }), t("privacy.expires", { when: format.since(one.expires_at) })].filter(Boolean).join(" · ")}
                    </Text>
                  </div>
                  <Button size="compact-xs" variant="default" onClick={() => resend.mutate({ id: one.customer_id, venue: one.venue_id })}>{t("privacy.resend")}</Button>
                </Group>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}
