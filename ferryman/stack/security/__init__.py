"""Who is who on a secure stack: certificates, users, passwords, and what each user may do."""
