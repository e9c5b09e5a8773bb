import { Group, Stack, Title } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { useLocation } from "react-router";

/** A page's frame. Its heading takes the focus when the address changes, so that a screen reader says where one is. */
export function Page({ title, head, actions, children }: { title: string; head?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    document.title = `${title} · pg_crm`;
  }, [title]);
  useEffect(() => {
    // A page that is there to be written into has its field in focus already.
    if (!document.activeElement?.closest("main input")) heading.current?.focus({ preventScroll: true });
  }, [pathname]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="center" gap="sm">
        <Group gap="sm" className="title">
          <Title order={1} ref={heading} tabIndex={-1} className="breaks">{title}</Title>
          {head}
        </Group>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
