import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, data, type Schema } from "../../api/client";
import { useToasts } from "../../parts/toasts";

export type Dossier = Schema["Dossier"];

/** Everything that is known of a guest, in one request. */
export const useDossier = (id: string) =>
  useQuery({
    queryKey: ["guest", id, "dossier"],
    queryFn: ({ signal }) => data(api.GET("/v1/customers/{id}/dossier", { params: { path: { id } }, signal })),
  });

/** A change of a guest; afterwards all that shows him is asked for anew. */
export function useChange<T>(id: string, change: (asked: T) => Promise<unknown>, said?: string) {
  const queries = useQueryClient();
  const toasts = useToasts();
  return useMutation({
    mutationFn: change,
    onSuccess: () => said && toasts.done(said),
    onError: toasts.failed,
    onSettled: () => Promise.all([["guest", id], ["guests"], ["search"]].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
}
