import { queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import { queries } from "../api/queries";
import { Refusal } from "../api/refusal";

const session = queryOptions({
  queryKey: ["session"],
  staleTime: 5 * 60_000,
  async queryFn() {
    try {
      return await data(api.GET("/v1/session"));
    } catch (error) {
      if (error instanceof Refusal && error.isSignedOut) return null;
      throw error;
    }
  },
});

/** Who is signed in; null for nobody. */
export const useSession = () => useQuery(session);

export function useSignIn() {
  return useMutation({
    mutationFn: (key: string) => data(api.POST("/v1/session", { body: { key } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: session.queryKey }),
  });
}

export function useSignOut() {
  return useMutation({
    mutationFn: () => api.DELETE("/v1/session"),
    onSuccess() {
      queries.clear();
      queries.setQueryData(session.queryKey, null);
    },
  });
}

const RANK = { reader: 0, staff: 1, manager: 2, admin: 3 } as const;

/** Whether to offer what a role may do; the service refuses the rest whatever is offered. */
export function useMay(role: keyof typeof RANK) {
  const held = useSession().data?.role as keyof typeof RANK | undefined;
  return held !== undefined && RANK[held] >= RANK[role];
}
