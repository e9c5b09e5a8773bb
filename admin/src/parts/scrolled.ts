import { useEffect, useRef } from "react";
import { useLocation } from "react-router";

/** The place a link of the same page leads to. */
export function useScrolledTo(name: string) {
  const place = useRef<HTMLDivElement>(null);
  const { hash, key } = useLocation();
  useEffect(() => {
    if (hash === name) place.current?.scrollIntoView();
  }, [hash, key, name]);
  return place;
}
