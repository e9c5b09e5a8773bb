import type { CSSProperties, ReactNode } from "react";

const COLOURS = { good: "loyal", bad: "lost", busy: "potential", plain: "inactive" } as const;

/** How something went, in one word. */
export function Mark({ as, children }: { as: keyof typeof COLOURS; children: ReactNode }) {
  const name = COLOURS[as];
  return <span className="label" style={{ "--of-label": `var(--label-${name})`, "--of-label-tint": `var(--label-${name}-tint)` } as CSSProperties}>{children}</span>;
}
