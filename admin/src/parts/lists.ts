import { useQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import { useMay } from "../shell/session";
import { useVenue } from "../shell/venue";

export const useTags = () =>
  useQuery({ queryKey: ["tags"], queryFn: async () => (await data(api.GET("/v1/tags"))).items });

/** The segments of the chosen venue, and of the organisation. */
export function useSegments() {
  const { venue } = useVenue();
  const manages = useMay("manager");
  return useQuery({
    queryKey: ["segments", venue?.venue_id],
    enabled: venue !== undefined && manages,
    queryFn: async () => (await data(api.GET("/v1/segments"))).items.filter((segment) => segment.venue_id == null || segment.venue_id === venue?.venue_id),
  });
}
