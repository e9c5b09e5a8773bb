/** A tag of the house, with its colour as a dot beside the word. */
export function TagChip({ name, colour }: { name: string; colour?: string | null }) {
  return <span className="tag">{colour && <i style={{ background: colour }} aria-hidden />}{name}</span>;
}
