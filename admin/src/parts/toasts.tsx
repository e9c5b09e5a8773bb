import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertCircle, IconCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Refusal } from "../api/refusal";

/** What was done, with a way back where there is one; and what could not be done. */
export function useToasts() {
  const { t } = useTranslation();
  return {
    done(message: string, undo?: () => void) {
      const id = notifications.show({
        color: "teal",
        icon: <IconCheck size={18} />,
        autoClose: undo ? 10_000 : 4_000,
        message: (
          <Group justify="space-between" wrap="nowrap">
            <Text size="sm">{message}</Text>
            {undo && <Button size="compact-xs" variant="light" onClick={() => { notifications.hide(id); undo(); }}>{t("state.undo")}</Button>}
          </Group>
        ),
      });
    },
    failed(error: unknown) {
      const refusal = error instanceof Refusal ? error : undefined;
      notifications.show({
        color: "red",
        icon: <IconAlertCircle size={18} />,
        autoClose: 10_000,
        title: refusal?.status === 0 ? t("state.offline") : (refusal?.detail ?? String(error)),
        message: refusal?.hint ?? "",
      });
    },
  };
}
