import { Group, Paper, Stack, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconBan, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { Page } from "../../parts/Page";
import { Empty, Failure, Lines } from "../../parts/states";
import { Glance } from "./Glance";

/** One big box, the answer in one glance: who stands at the door. */
export default function Host() {
  const { t } = useTranslation();
  const go = useNavigate();
  const [address, setAddress] = useSearchParams();
  const [text, setText] = useState(address.get("q") ?? "");
  const [asked] = useDebouncedValue(text.trim(), 180);
  const found = useQuery({
    queryKey: ["search", asked],
    enabled: asked.length > 1,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await data(api.GET("/v1/customers/search", { params: { query: { q: asked, limit: 12 } }, signal }))).items,
  });
  const guests = asked.length > 1 ? found.data : undefined;
  const [first, ...others] = guests ?? [];
  const enter = (event: KeyboardEvent) => {
    if (event.key === "Enter" && first) void go(`/guests/${first.customer_id}`);
    if (event.key === "Escape") setText("");
  };
  return (
    <Page title={t("nav.host")}>
      <TextInput
        size="xl"
        type="search"
        autoFocus
        autoComplete="off"
        aria-label={t("host.label")}
        placeholder={t("host.placeholder")}
        leftSection={<IconSearch aria-hidden />}
        value={text}
        maxLength={200}
        onKeyDown={enter}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAddress(event.currentTarget.value ? { q: event.currentTarget.value } : {}, { replace: true });
        }}
      />
      <VisuallyHidden role="status">{guests && t("host.found", { count: guests.length })}</VisuallyHidden>
      {asked.length <= 1 ? (
        <Empty title={t("host.empty")} icon={<IconSearch aria-hidden />}>{t("host.hint")}</Empty>
      ) : found.isError ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : !guests ? (
        <Lines count={3} height={40} />
      ) : first ? (
        <Stack gap="sm">
          <Glance id={first.customer_id} />
          {others.length > 0 && <Text size="sm" c="dimmed">{t("host.others")}</Text>}
          {others.map((guest) => <Found key={guest.customer_id} guest={guest} />)}
        </Stack>
      ) : (
        <Empty title={t("host.none")}>{t("host.noneHint")}</Empty>
      )}
    </Page>
  );
}

interface Hit {
  customer_id: string;
  name?: string | null;
  phone?: string | null;
  email?: string | null;
  label?: string | null;
  status: string;
  total_orders?: number | null;
  last_order_at?: string | null;
}

function Found({ guest }: { guest: Hit }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Link to={`/guests/${guest.customer_id}`} className="linked">
      <Paper p="sm">
        <Group justify="space-between" wrap="nowrap">
          <div className="grows">
            <Text fw={600} truncate>{guest.name ?? t("guest.unnamed")}</Text>
            <Text size="sm" c="dimmed" truncate>{guest.phone ?? guest.email}</Text>
          </div>
          <Text size="sm" c="dimmed" visibleFrom="xs" className="tabular">{format.dayOf(guest.last_order_at)}</Text>
          {guest.status === "blocked" && <Group gap={4} c="var(--label-lost)"><IconBan size={16} aria-hidden /><Text size="sm" fw={600}>{t("guest.blocked")}</Text></Group>}
          <LabelBadge label={guest.label} />
        </Group>
      </Paper>
    </Link>
  );
}
