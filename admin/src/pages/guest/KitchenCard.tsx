import { Stack, Text } from "@mantine/core";
import { IconToolsKitchen2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { Card, Loaded } from "../../parts/states";
import { useVenue } from "../../shell/venue";

/** What the kitchen of the chosen venue gets of a guest: what he must not and does not want to eat, and where he sits. */
export function KitchenCard({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const { venue } = useVenue();
  const card = useQuery({
    queryKey: ["guest", id, "kitchen-card", venue?.venue_id],
    enabled: venue !== undefined,
    queryFn: ({ signal }) => data(api.GET("/v1/customers/{id}/kitchen-card", { params: { path: { id }, query: { venue: venue!.venue_id } }, signal })),
  });
  const named = (value: string) => (i18n.exists(`health.${value}`) ? t(`health.${value}` as "health.milk") : value);
  return (
    <Card title={t("guest.kitchen")} aside={<IconToolsKitchen2 size={18} aria-hidden />}>
      <Loaded query={card} lines={3}>
        {({ dislikes, favourites, seating, usual_table, ...needs }) => {
          const [allergens, diets] = [needs.allergens ?? [], needs.diets ?? []];
          const facts: [string, string[]][] = [
            [t("guest.diets"), diets.map(named)], [t("guest.dislikes"), dislikes], [t("guest.likes"), favourites], [t("guest.seating"), seating], [t("guest.usualTable"), usual_table ? [usual_table] : []],
          ];
          return (
            <Stack gap="xs">
              {allergens.length > 0 ? <div className="allergens"><Text size="xs" fw={600}>{t("guest.allergens")}</Text><strong>{allergens.map(named).join(", ")}</strong></div> : <Text size="sm">{t("guest.noAllergens")}</Text>}
              <dl className="facts">{facts.filter(([, values]) => values.length > 0).map(([name, values]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{values.join(", ")}</dd></div>)}</dl>
              <Text size="xs" c="dimmed">{t("guest.kitchenHint", { venue: venue?.name })}</Text>
            </Stack>
          );
        }}
      </Loaded>
    </Card>
  );
}
