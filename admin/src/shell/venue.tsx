import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { api, data, type Schema } from "../api/client";

type Venue = Schema["Venue"];
interface Choice {
  venues: Venue[];
  /** The venue whose guests are looked at; undefined until they are known, or where there is none. */
  venue: Venue | undefined;
  choose: (id: string) => void;
}

const Chosen = createContext<Choice>({ venues: [], venue: undefined, choose: () => {} });
const STORED = "crm-venue";

export const useVenues = () => useQuery({ queryKey: ["venues"], queryFn: () => data(api.GET("/v1/venues")) });

/** The venue of the address (a shared link shows what its sender saw), else the one last chosen, else the largest. */
export function VenueProvider({ children }: { children: ReactNode }) {
  const [address, setAddress] = useSearchParams();
  const [stored, setStored] = useState(() => localStorage.getItem(STORED));
  const venues = useVenues().data?.items;
  const named = address.get("venue");
  const sent = venues?.find((one) => one.venue_id === named || one.ref === named)?.venue_id;
  // Behind the links of the page too, but not for good.
  useEffect(() => {
    if (sent) setStored(sent);
  }, [sent]);
  const choice = useMemo<Choice>(() => {
    const all = venues ?? [];
    const largest = all.reduce<Venue | undefined>((best, next) => (best && best.guests >= next.guests ? best : next), undefined);
    return {
      venues: all,
      venue: all.find((one) => one.venue_id === sent) ?? all.find((one) => one.venue_id === stored) ?? largest,
      choose(id) {
        localStorage.setItem(STORED, id);
        setStored(id);
        setAddress((before) => {
          before.delete("venue");
          return before;
        });
      },
    };
  }, [venues, sent, stored, setAddress]);
  return <Chosen.Provider value={choice}>{children}</Chosen.Provider>;
}

export const useVenue = () => useContext(Chosen);
