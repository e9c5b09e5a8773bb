/** Where the guests are who came first, or went from one label to another, from one day to another. */
export function movement(from: string, to: string, was?: string, became?: string) {
  return `/movement?${new URLSearchParams({ from, to, ...(was && { was }), ...(became && { became }) })}`;
}
