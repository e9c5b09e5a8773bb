import { SimpleGrid } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Stat } from "../../parts/Stat";
import { Loaded } from "../../parts/states";
import { useVenue } from "../../shell/venue";

export function Reachable() {
  const { t } = useTranslation();
  const format = useFormat();
  const { venue } = useVenue();
  const query = useQuery({
    queryKey: ["reachable", venue?.venue_id],
    enabled: venue !== undefined,
    queryFn: async () => (await data(api.GET("/v1/reachable", { params: { query: { venue: venue!.venue_id } } }))).items,
  });
  return (
    <Loaded query={query} lines={2}>
      {(channels) => (
        <SimpleGrid cols={{ base: 2, sm: 4 }}>
          {channels.map(({ channel, guests }) => <Stat key={channel} name={t(`privacy.channel.${channel}`)} value={format.number(guests)} note={t("privacy.reachable")} />)}
        </SimpleGrid>
      )}
    </Loaded>
  );
}
