"""Tell chats and programs what happens, and answer people who ask from Slack."""
